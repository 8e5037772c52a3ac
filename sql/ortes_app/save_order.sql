CREATE OR REPLACE FUNCTION ortes_app.save_order(
    p_azi text,
    p_device integer,
    p_id_int bigint,
    p_autore_cod bigint = 0,
    p_dati jsonb = NULL
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $save_order$
-- The device saves an order that its user placed. Repeat it until it answers.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.save_order(p_azi, 'A', p_device, 'T', p_id_int, p_autore_cod, nullif(p_dati, 'null'));
END
$save_order$;

COMMENT ON FUNCTION ortes_app.save_order(text, integer, bigint, bigint, jsonb) IS
'Saves the device''s order and returns its ID-PUB. p_id_int: the order''s id in the device; p_autore_cod: the user''s code, '
'0 = not known to the ERP; p_dati: its content. A repeat with the same content '
'returns the same ID-PUB and writes nothing. Raises OR001, OR003, OR006 (other content), OR007, 55P03.';
