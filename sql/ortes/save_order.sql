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
-- Behind save_order of store and app; save_orders does the same for many. Locks the company
-- before it looks for what is here already: looked for earlier, the order of a call still
-- under way is missed.
DECLARE
    v_order ortes.arportes;
BEGIN
    IF (p_id_int >= 1 AND p_autore_cod >= 0) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('id_int', ARRAY[p_id_int], 1);
        PERFORM ortes.check_numbers('autore_cod', ARRAY[p_autore_cod], 0);
    END IF;
    IF ortes.is_too_large(p_dati) THEN
        PERFORM ortes.check_datis(ARRAY[p_dati]);
    END IF;
    PERFORM ortes.lock_company(p_azi);
    -- Two queries for what find_order says in one: a call for one order feels the difference.
    IF p_prov_id IS NULL THEN
        SELECT a.* INTO v_order FROM ortes.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id IS NULL AND a.id_int = p_id_int;
    ELSE
        SELECT a.* INTO v_order FROM ortes.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id = p_prov_id AND a.id_int = p_id_int;
    END IF;
    IF NOT FOUND THEN
        INSERT INTO ortes.arportes (azi, prov_tipo, prov_id, id_int, autore_tipo, autore_cod, dati)
        VALUES (p_azi, p_prov_tipo, p_prov_id, p_id_int, p_autore_tipo, p_autore_cod, p_dati)
        RETURNING id_pub INTO v_order.id_pub;
    ELSIF NOT ortes.same_content(v_order, p_dati, NULL) THEN
        PERFORM ortes.raise_other_content(p_azi, v_order.id_pub);
    END IF;
    RETURN v_order.id_pub;
END
$save_order$;

COMMENT ON FUNCTION ortes.save_order(text, text, integer, text, bigint, bigint, jsonb) IS
'Saves an order of a store or device, or finds it saved before; returns its ID-PUB. Raises OR006, OR007, 55P03.';
