CREATE OR REPLACE FUNCTION ortes_ops.count_history(p_before timestamptz)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $count_history$
-- What purge_history would take, looked at before it is taken. Reads the index by time only.
DECLARE
    v_entries bigint;
BEGIN
    PERFORM ortes.check_before(p_before);
    SELECT count(*) INTO v_entries FROM ortes.history AS h WHERE h.at < p_before;
    RETURN v_entries;
END
$count_history$;

COMMENT ON FUNCTION ortes_ops.count_history(timestamptz) IS
'How many entries of the history, of all companies, are older than p_before: what ortes_ops.purge_history would delete in all its '
'calls. Raises OR007.';
