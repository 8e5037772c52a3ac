CREATE OR REPLACE FUNCTION ortes.check_primary()
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL SAFE
AS $check_primary$
-- For doors that write. PostgreSQL's own message names a statement that the caller never sent.
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'read_only_sql_transaction',
            MESSAGE = 'this server is a standby',
            DETAIL = 'A standby is read-only, and this call writes.',
            HINT = 'Call again on the primary. On a standby work changes, position and pending, and the views of ortes_ops.';
    END IF;
END
$check_primary$;

COMMENT ON FUNCTION ortes.check_primary() IS 'Refuses to write on a standby. Raises 25006.';
