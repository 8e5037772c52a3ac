CREATE OR REPLACE FUNCTION ortes_router.note_switch()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $note_switch$
-- One at a time until it commits: then whoever sees the last switch sees all before it.
BEGIN
    PERFORM pg_advisory_xact_lock(1330795589, 0);
    PERFORM setval('ortes_router.last_switch', pg_current_xact_id()::text::bigint);
    RETURN NULL;
END
$note_switch$;

COMMENT ON FUNCTION ortes_router.note_switch() IS 'Trigger: remembers the last transaction that changed the directory, for shard_of.';

CREATE OR REPLACE TRIGGER note_switch
AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON ortes_router.company
FOR EACH STATEMENT EXECUTE FUNCTION ortes_router.note_switch();
COMMENT ON TRIGGER note_switch ON ortes_router.company IS 'So that no transaction answers from an old snapshot of the directory.';
