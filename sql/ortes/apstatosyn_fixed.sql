CREATE OR REPLACE FUNCTION ortes.apstatosyn_fixed()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $apstatosyn_fixed$
-- Refuses a counter that would go back. After an UPDATE of valore, because a trigger before it
-- locks the row once more and writes that to the WAL. IF and no WHEN, which is parsed in every statement.
-- Returns `new`: see arportes_inserted.
BEGIN
    IF new.valore < old.valore THEN
        PERFORM ortes.raise_counter_lost(old);
    END IF;
    RETURN new;
END
$apstatosyn_fixed$;

COMMENT ON FUNCTION ortes.apstatosyn_fixed() IS 'Trigger: refuses to move a counter back. Raises OR004.';

CREATE OR REPLACE TRIGGER apstatosyn_fixed
AFTER UPDATE OF valore ON ortes.apstatosyn
FOR EACH ROW EXECUTE FUNCTION ortes.apstatosyn_fixed();
COMMENT ON TRIGGER apstatosyn_fixed ON ortes.apstatosyn IS 'A counter never goes back.';
