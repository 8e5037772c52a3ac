CREATE OR REPLACE FUNCTION ortes.calling_door()
RETURNS text
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $calling_door$
-- From PostgreSQL's own call stack, which no session can set. The innermost door is the one: below
-- it there is only the hub's code, so what a caller's functions and statements are named does not
-- matter. Kept for the rest of the statement, because looking takes longer than writing an entry.
DECLARE
    v_stack text;
BEGIN
    IF coalesce(current_setting('ortes.door', true), '') = '' THEN
        GET DIAGNOSTICS v_stack = PG_CONTEXT;
        RETURN nullif(set_config('ortes.door',
            coalesce(substring(v_stack FROM '\m(ortes_(?:store|app|erp|ops)\.\w+)\('), '-'), true), '-');
    END IF;
    RETURN nullif(current_setting('ortes.door'), '-');
END
$calling_door$;

COMMENT ON FUNCTION ortes.calling_door() IS 'The door whose call is under way, or null: a statement by hand. For the triggers alone.';
