CREATE OR REPLACE FUNCTION ortes.history_fixed()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $history_fixed$
-- Whoever asks, the owner's functions included.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'the history is never changed',
        DETAIL = format('%s of ortes.%s.', tg_op, tg_table_name),
        HINT = 'What is old enough goes with ortes_ops.purge_history.';
END
$history_fixed$;

COMMENT ON FUNCTION ortes.history_fixed() IS 'Trigger: refuses to change the history. Raises OR004, always.';

CREATE OR REPLACE TRIGGER history_fixed
BEFORE UPDATE OR TRUNCATE ON ortes.history
FOR EACH STATEMENT EXECUTE FUNCTION ortes.history_fixed();
COMMENT ON TRIGGER history_fixed ON ortes.history IS 'What was written down stays so.';

CREATE OR REPLACE TRIGGER history_purge_fixed
BEFORE UPDATE OR DELETE OR TRUNCATE ON ortes.history_purge
FOR EACH STATEMENT EXECUTE FUNCTION ortes.history_fixed();
COMMENT ON TRIGGER history_purge_fixed ON ortes.history_purge IS 'What was purged stays on record.';
