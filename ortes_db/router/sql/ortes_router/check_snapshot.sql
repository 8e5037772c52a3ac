CREATE OR REPLACE FUNCTION ortes_router.check_snapshot()
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $check_snapshot$
DECLARE
    v_last CONSTANT xid8 := (SELECT l.last_value::text::xid8 FROM ortes_router.last_switch AS l);
BEGIN
    IF NOT pg_visible_in_snapshot(v_last, pg_current_snapshot()) AND v_last IS DISTINCT FROM pg_current_xact_id_if_assigned() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'serialization_failure',
            MESSAGE = 'companies were created or moved since this transaction began',
            DETAIL = format('It is %s, and so sees the directory of the shards as it was.',
                upper(current_setting('transaction_isolation'))),
            HINT = 'Begin a new transaction; READ COMMITTED is not concerned.';
    END IF;
END
$check_snapshot$;

COMMENT ON FUNCTION ortes_router.check_snapshot() IS
'Passes when the transaction''s snapshot has the directory as it is now. Raises 40001.';
