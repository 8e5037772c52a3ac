CREATE OR REPLACE FUNCTION ortes_router.hold_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $hold_company$
-- For who creates a company, or moves it: calls under way end first, new ones wait until this
-- transaction ends. The shards have locks of their own; these are of this database alone.
BEGIN
    PERFORM ortes_router.bound_wait();
    PERFORM pg_advisory_xact_lock(1330795589, hashtext(p_azi));
EXCEPTION
    WHEN lock_not_available THEN
        PERFORM ortes_router.raise_busy(p_azi);
END
$hold_company$;

COMMENT ON FUNCTION ortes_router.hold_company(text) IS
'Keeps calls for company p_azi waiting until this transaction ends; waits itself at most lock_timeout for those under way. '
'Raises 55P03.';
