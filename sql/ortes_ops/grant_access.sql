CREATE OR REPLACE FUNCTION ortes_ops.grant_access(p_login text, p_azi text, p_device integer = NULL)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $grant_access$
-- What the login may call, its roles say; for whom, this says.
BEGIN
    PERFORM ortes.check_company(p_azi);
    PERFORM ortes.check_numbers('p_device', array_remove(ARRAY[p_device], NULL), 1);
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = p_login) THEN
        PERFORM ortes.raise_bad_argument('p_login', p_login, 'a role of this server');
    END IF;
    PERFORM ortes.check_primary();
    INSERT INTO ortes.access (login, azi, device) VALUES (p_login, p_azi, p_device) ON CONFLICT DO NOTHING;
END
$grant_access$;

COMMENT ON FUNCTION ortes_ops.grant_access(text, text, integer) IS
'Lets the login p_login act for company p_azi, an app login only as device p_device (null: as any). A repeat changes nothing. '
'Raises OR001, OR007, and on a standby 25006.';
