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
DECLARE
    v_none text := ortes.bound_waiting();
BEGIN
    LOCK TABLE ortes.arportes IN ROW EXCLUSIVE MODE;
    IF NOT ortes.try_lock_company(p_azi) THEN
        v_none := ortes.wait_for_company(p_azi);
    END IF;
END
$lock_company$;

COMMENT ON FUNCTION ortes.lock_company(text) IS
'Reserves the company for this transaction, waiting at most lock_timeout (5 s where the session has none). Raises 55P03, and on a standby 25006.';
