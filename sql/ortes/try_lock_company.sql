CREATE OR REPLACE FUNCTION ortes.try_lock_company(p_azi text)
RETURNS boolean
LANGUAGE sql
VOLATILE
PARALLEL UNSAFE
AS $try_lock_company$
    -- 1330795589 is 'ORTE' in ASCII: by it ortes_ops.holders finds these locks.
    SELECT pg_try_advisory_xact_lock(1330795589, hashtext(p_azi))
$try_lock_company$;

COMMENT ON FUNCTION ortes.try_lock_company(text) IS
'Reserves the company for this transaction if nobody holds it or waits for it. Behind lock_company.';
