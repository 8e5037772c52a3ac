CREATE OR REPLACE FUNCTION ortes_app.changes(
    p_azi text,
    p_device integer,
    p_since bigint = NULL,
    p_limit integer = 1000
)
RETURNS SETOF ortes.orders
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
ROWS 1000
AS $changes$
-- What the ERP changed since: the last id_sincro of one answer is p_since of the next call.
DECLARE
    v_since bigint;
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    v_since := ortes.reading_from(p_azi, 'A', p_device, p_since, p_limit);
    IF v_since IS NOT NULL THEN
        RETURN QUERY SELECT c.* FROM ortes.changes(p_azi, v_since, p_limit) AS c;
    END IF;
END
$changes$;

COMMENT ON FUNCTION ortes_app.changes(text, integer, bigint, integer) IS
'Orders that the ERP changed after p_since (an ID-SINCRO), in the order of their ID-SINCRO, at most p_limit (1 to 10000). '
'p_since null: after the position this device confirmed last. None is ever missed. Raises OR001, OR003, OR007, OR008.';
