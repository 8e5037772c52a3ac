CREATE OR REPLACE FUNCTION ortes_router.open_part(p_part integer)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $open_part$
-- What asks a shard, and not for a company (shard_of), comes by here. The lock ('ORSH' in ASCII) keeps nobody
-- waiting: it tells `ortes router watch` and --end-calls who may be waiting for the shard. It comes first, so that
-- who is not found there finds the shard closed.
DECLARE
    v_name text;
    v_open boolean;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1330795336, p_part);
    SELECT s.name, s.is_open INTO v_name, v_open FROM ortes_router.shard AS s WHERE s.part = p_part;
    IF NOT v_open THEN
        PERFORM ortes_router.raise_unreachable(v_name, ortes_router.why_closed(v_name), true);
    END IF;
    RETURN p_part;
END
$open_part$;

COMMENT ON FUNCTION ortes_router.open_part(integer) IS 'The number p_part of a shard, if it is open. Raises 08001 (closed).';
