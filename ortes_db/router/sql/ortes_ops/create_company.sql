CREATE OR REPLACE FUNCTION ortes_ops.create_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = error
AS $create_company$
BEGIN
    PERFORM ortes_router.create_company(p_azi, NULL);
END
$create_company$;

COMMENT ON FUNCTION ortes_ops.create_company(text) IS
'Creates the company p_azi (1 to 32 characters) on the shard with most room. A repeat changes nothing. '
'Raises OR007, 55000 (no shard takes it), 55P03, 08001, 08006.';
