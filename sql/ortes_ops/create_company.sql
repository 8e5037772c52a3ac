CREATE OR REPLACE FUNCTION ortes_ops.create_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $create_company$
-- A company with its two counters at 0. One that is here already stays as it is.
BEGIN
    PERFORM ortes.check_azi(p_azi);
    PERFORM ortes.check_primary();
    INSERT INTO ortes.company (azi) VALUES (p_azi) ON CONFLICT DO NOTHING;
    INSERT INTO ortes.apstatosyn (azi, contatore) VALUES (p_azi, 'ID-PUB'), (p_azi, 'ID-SINCRO') ON CONFLICT DO NOTHING;
END
$create_company$;

COMMENT ON FUNCTION ortes_ops.create_company(text) IS
'Creates the company p_azi (1 to 32 characters). A repeat changes nothing. Raises OR007, and on a standby 25006.';
