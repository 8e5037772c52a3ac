CREATE OR REPLACE FUNCTION ortes_ops.create_company(p_azi text)
RETURNS void
LANGUAGE sql
VOLATILE
PARALLEL UNSAFE
AS $create_company$
    SELECT ortes_ops.create_company_on(p_azi, NULL)
$create_company$;

COMMENT ON FUNCTION ortes_ops.create_company(text) IS
'Creates the company p_azi (1 to 32 characters) on the shard with most room. A repeat changes nothing. '
'Raises OR007, 55000 (no shard takes it), 55P03, 08001, 08006.';
