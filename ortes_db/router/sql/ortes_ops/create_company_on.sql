CREATE OR REPLACE FUNCTION ortes_ops.create_company_on(p_azi text, p_shard text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = error
AS $create_company_on$
BEGIN
    PERFORM ortes_router.create_company(p_azi, p_shard);
END
$create_company_on$;

COMMENT ON FUNCTION ortes_ops.create_company_on(text, text) IS
'Creates the company p_azi on the shard p_shard (null: the one with most room), also on one that accepts none by itself. '
'A repeat changes nothing. Raises OR007 (no such shard, or the company is on another), 55000 (no shard takes it), 55P03, 08001, 08006.';
