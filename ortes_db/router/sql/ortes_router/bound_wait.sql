CREATE OR REPLACE FUNCTION ortes_router.bound_wait()
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $bound_wait$
-- As on a shard (ortes.lock_company): for the rest of the transaction.
BEGIN
    IF current_setting('lock_timeout') = '0' THEN
        PERFORM set_config('lock_timeout', '5s', true);
    END IF;
END
$bound_wait$;

COMMENT ON FUNCTION ortes_router.bound_wait() IS 'Gives a session that has no lock_timeout one of 5 s.';
