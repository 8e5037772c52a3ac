CREATE OR REPLACE FUNCTION ortes.wait_for_company(p_azi text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $wait_for_company$
-- Called only where somebody has the company: a block that catches errors costs more than the lock.
-- By assignment, as the lock in it: whoever gets the company keeps others waiting while a query ends.
BEGIN
    RETURN pg_advisory_xact_lock(1330795589, hashtext(p_azi))::text;
EXCEPTION
    WHEN lock_not_available THEN
        RAISE EXCEPTION USING
            ERRCODE = 'lock_not_available',
            MESSAGE = 'the company is busy',
            DETAIL = format('Another transaction has held company %L for longer than lock_timeout (%s).',
                p_azi, current_setting('lock_timeout')),
            HINT = format('Call again. Who holds it: SELECT * FROM ortes_ops.holders WHERE azi = %L;', p_azi);
END
$wait_for_company$;

COMMENT ON FUNCTION ortes.wait_for_company(text) IS
'Reserves the company for this transaction, waiting at most lock_timeout; returns an empty text. Behind lock_company. Raises 55P03.';
