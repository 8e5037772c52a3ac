CREATE OR REPLACE FUNCTION ortes.save_order(
    p_azi text,
    p_prov_tipo text,
    p_prov_id integer,
    p_autore_tipo text,
    p_id_int bigint,
    p_autore_cod bigint,
    p_dati jsonb
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $save_order$
-- Behind save_order of store and app; save_orders does the same for many. Without a
-- created_at arportes_insert looks whether the order is here, under the lock, which is taken as late
-- as can be: callers that wait for it have done the rest before. The row that comes back must be what the number
-- was drawn for. A repeat's ID-PUB comes back in a setting, emptied first: what a session has set there
-- is not believed.
DECLARE
    v_id_pub bigint;
    v_none text;
BEGIN
    IF (p_id_int >= 1 AND p_autore_cod >= 0) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('id_int', ARRAY[p_id_int], 1);
        PERFORM ortes.check_numbers('autore_cod', ARRAY[p_autore_cod], 0);
    END IF;
    IF ortes.is_too_large(p_dati) THEN
        PERFORM ortes.check_datis(ARRAY[p_dati]);
    END IF;
    IF current_setting('ortes.repeated', true) <> '' THEN
        v_none := set_config('ortes.repeated', '', true);
    END IF;
    v_none := ortes.bound_waiting();
    INSERT INTO ortes.arportes (azi, prov_tipo, prov_id, id_int, autore_tipo, autore_cod, dati, created_at)
    VALUES (p_azi, p_prov_tipo, p_prov_id, p_id_int, p_autore_tipo, p_autore_cod, p_dati, NULL)
    RETURNING CASE WHEN azi = p_azi AND id_pub = current_setting('ortes.id_pub')::bigint THEN id_pub END INTO v_id_pub;
    IF v_id_pub IS NULL THEN
        v_id_pub := nullif(current_setting('ortes.repeated', true), '')::bigint;
        IF v_id_pub IS NULL THEN
            PERFORM ortes.raise_left_out(p_azi, p_prov_tipo, p_prov_id, p_id_int);
        END IF;
    END IF;
    RETURN v_id_pub;
END
$save_order$;

COMMENT ON FUNCTION ortes.save_order(text, text, integer, text, bigint, bigint, jsonb) IS
'Saves an order of a store or device, or finds it saved before; returns its ID-PUB. Raises OR006, OR007, 55P03.';
