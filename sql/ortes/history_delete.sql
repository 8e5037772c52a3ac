CREATE OR REPLACE FUNCTION ortes.history_delete()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $history_delete$
-- What allows a deletion is neither who asks nor a setting, but a row of history_purge, which says who
-- gave up what, and stays.
DECLARE
    v_purged_before CONSTANT timestamptz := (SELECT max(p.purged_before) FROM ortes.history_purge AS p);
BEGIN
    IF EXISTS (SELECT FROM deleted AS d WHERE (d.at < v_purged_before) IS NOT TRUE) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR004',
            MESSAGE = 'the history is never changed',
            DETAIL = format('DELETE of ortes.history; purged is what was before %s.', coalesce(v_purged_before::text, 'nothing yet')),
            HINT = 'What is old enough goes with ortes_ops.purge_history.';
    END IF;
    RETURN NULL;
END
$history_delete$;

COMMENT ON FUNCTION ortes.history_delete() IS 'Trigger: refuses to delete what purge_history was not told to. Raises OR004.';

CREATE OR REPLACE TRIGGER history_delete
AFTER DELETE ON ortes.history
REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION ortes.history_delete();
COMMENT ON TRIGGER history_delete ON ortes.history IS 'Only what was purged may go.';
