CREATE OR REPLACE FUNCTION ortes.history_begin()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $history_begin$
-- What the history triggers keep in settings, the session may have forged: it is found out anew in
-- each statement. For an INSERT, which always draws a number, next_number does that. IF and no
-- PERFORM: it starts no query.
BEGIN
    IF set_config('ortes.unaudited', '', true) <> '' OR set_config('ortes.door', '', true) <> '' THEN
        RETURN NULL;
    END IF;
    RETURN NULL;
END
$history_begin$;

COMMENT ON FUNCTION ortes.history_begin() IS 'Trigger: forgets which company is not audited, and which door was called.';

CREATE OR REPLACE TRIGGER history_begin
BEFORE UPDATE ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.history_begin();
COMMENT ON TRIGGER history_begin ON ortes.arportes IS 'What the history needs to know is found out anew in each statement.';
