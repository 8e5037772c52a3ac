CREATE OR REPLACE FUNCTION ortes.lock_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $lock_company$
-- Taken first by everything that writes for a company, and kept until its transaction ends:
-- numbers become visible in their order, and callers of one company never deadlock.
-- An advisory lock, because its waiters queue; those of a row lock all wake at every release.
-- The table comes first, as for a statement by hand, which has it when its trigger gets here:
-- else a deploy that waits for the table would be between the two, and all three wait in a circle.
-- A session that sets no lock_timeout of its own gets one for the rest of its transaction.
DECLARE
    v_none text;
BEGIN
    IF pg_is_in_recovery() THEN
        PERFORM ortes.check_primary();
    END IF;
    IF current_setting('lock_timeout') = '0' THEN
        v_none := set_config('lock_timeout', '5s', true);
    END IF;
    LOCK TABLE ortes.arportes IN ROW EXCLUSIVE MODE;
    IF ortes.try_lock_company(p_azi) THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM pg_advisory_xact_lock(1330795589, hashtext(p_azi));
    EXCEPTION
        WHEN lock_not_available THEN
            RAISE EXCEPTION USING
                ERRCODE = 'lock_not_available',
                MESSAGE = 'the company is busy',
                DETAIL = format('Another transaction has held company %L for longer than lock_timeout (%s).',
                    p_azi, current_setting('lock_timeout')),
                HINT = format('Call again. Who holds it: SELECT * FROM ortes_ops.holders WHERE azi = %L;', p_azi);
    END;
END
$lock_company$;

COMMENT ON FUNCTION ortes.lock_company(text) IS
'Reserves the company for this transaction, waiting at most lock_timeout (5 s where the session has none). Raises 55P03, and on a standby 25006.';
