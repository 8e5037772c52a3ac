CREATE OR REPLACE FUNCTION ortes_store.save_order(
    p_azi text,
    p_id_int bigint,
    p_autore_cod bigint = 0,
    p_dati jsonb = NULL,
    p_store integer = NULL
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $save_order$
-- The store saves an order that a customer placed. Repeat it until it answers.
BEGIN
    IF p_store < 1 THEN
        PERFORM ortes.check_numbers('p_store', ARRAY[p_store], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.save_order(p_azi, 'S', p_store, 'C', p_id_int, p_autore_cod, nullif(p_dati, 'null'));
END
$save_order$;

COMMENT ON FUNCTION ortes_store.save_order(text, bigint, bigint, jsonb, integer) IS
'Saves the store''s order and returns its ID-PUB. p_id_int: the order''s id in the store; p_autore_cod: the customer''s code, '
'0 = not known to the ERP; p_dati: its content; p_store: which store, null where there is one. A repeat with the same content '
'returns the same ID-PUB and writes nothing. Raises OR001, OR003, OR006 (other content), OR007, 55P03.';
