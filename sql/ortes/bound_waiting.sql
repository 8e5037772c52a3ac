CREATE OR REPLACE FUNCTION ortes.bound_waiting()
RETURNS text
LANGUAGE sql
VOLATILE
PARALLEL UNSAFE
AS $bound_waiting$
    -- Comes before a call's first lock, that of a table too. SQL, so that it becomes part of the assignment that calls it.
    SELECT CASE
        WHEN pg_is_in_recovery() THEN ortes.check_primary()::text
        WHEN current_setting('lock_timeout') = '0' THEN set_config('lock_timeout', '5s', true)
    END
$bound_waiting$;

COMMENT ON FUNCTION ortes.bound_waiting() IS
'A session that sets no lock_timeout of its own gets 5 s for the rest of its transaction. Raises 25006 on a standby.';
