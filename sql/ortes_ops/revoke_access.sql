CREATE OR REPLACE FUNCTION ortes_ops.revoke_access(p_login text, p_azi text, p_device integer = NULL)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $revoke_access$
-- The login may be dropped already; what it was granted can still be taken back.
BEGIN
    PERFORM ortes.check_company(p_azi);
    IF p_login IS NULL THEN
        PERFORM ortes.raise_bad_argument('p_login', p_login, 'the name of a login');
    END IF;
    PERFORM ortes.check_primary();
    DELETE FROM ortes.access AS a
    WHERE a.login = p_login AND a.azi = p_azi AND (p_device IS NULL OR a.device = p_device);
END
$revoke_access$;

COMMENT ON FUNCTION ortes_ops.revoke_access(text, text, integer) IS
'Takes back what grant_access gave p_login for company p_azi: its grant for device p_device, or (null) all of them. '
'A repeat changes nothing. Raises OR001, OR007, and on a standby 25006.';
