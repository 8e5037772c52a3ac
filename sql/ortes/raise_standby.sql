CREATE OR REPLACE FUNCTION ortes.raise_standby()
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $raise_standby$
-- For doors that write. PostgreSQL's own message names a statement that the caller never sent.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'read_only_sql_transaction',
        MESSAGE = 'this server is a standby',
        DETAIL = 'A standby is read-only, and this call writes.',
        HINT = 'Call again on the primary. On a standby work changes, position and pending, and the views of ortes_ops.';
END
$raise_standby$;

COMMENT ON FUNCTION ortes.raise_standby() IS 'Refuses to write on a standby. Raises 25006, always.';
