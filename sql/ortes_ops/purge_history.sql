CREATE OR REPLACE FUNCTION ortes_ops.purge_history(p_before timestamptz)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $purge_history$
-- A bounded batch a call, so that no call lasts long. First it puts on record that this part of the
-- history is given up; only that lets the deletion pass.
DECLARE
    v_purged bigint;
BEGIN
    PERFORM ortes.check_before(p_before);
    PERFORM ortes.check_primary();
    INSERT INTO ortes.history_purge (purged_before)
    SELECT p_before WHERE NOT EXISTS (SELECT FROM ortes.history_purge AS p WHERE p.purged_before >= p_before)
    ON CONFLICT DO NOTHING;
    DELETE FROM ortes.history AS h
    WHERE h.ctid = ANY (ARRAY(
        SELECT o.ctid FROM ortes.history AS o WHERE o.at < p_before ORDER BY o.at LIMIT 10000 FOR UPDATE SKIP LOCKED
    ));
    GET DIAGNOSTICS v_purged = ROW_COUNT;
    RETURN v_purged;
END
$purge_history$;

COMMENT ON FUNCTION ortes_ops.purge_history(timestamptz) IS
'Deletes the entries of the history before p_before, of all companies, the oldest first, at most 10000 a call; returns how many. '
'Call until it returns 0. Raises OR007, and on a standby 25006.';
