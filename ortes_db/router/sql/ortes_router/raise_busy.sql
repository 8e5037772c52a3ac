CREATE OR REPLACE FUNCTION ortes_router.raise_busy(p_azi text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $raise_busy$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = 'the company is busy',
        DETAIL = format('On the router, company %L has been held (created, moved, or in a transaction that goes on) for longer '
            'than lock_timeout (%s).', p_azi, current_setting('lock_timeout')),
        HINT = format('Call again. Who holds it, on the router: SELECT pid, mode, granted FROM pg_locks '
            'WHERE locktype = ''advisory'' AND objid::bigint = hashtext(%L)::bigint & 4294967295;', p_azi);
END
$raise_busy$;

COMMENT ON FUNCTION ortes_router.raise_busy(text) IS 'Refuses a call that waited too long for company p_azi on the router. Raises 55P03, always.';
