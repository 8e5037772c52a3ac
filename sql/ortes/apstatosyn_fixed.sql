CREATE OR REPLACE FUNCTION ortes.apstatosyn_fixed()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $apstatosyn_fixed$
-- Refuses a counter that would go back, or go. After an UPDATE of valore, because a trigger before it
-- locks the row once more and writes that to the WAL. IF and no WHEN, which is parsed in every statement.
BEGIN
    IF tg_op = 'UPDATE' AND new.valore >= old.valore AND new.azi = old.azi AND new.contatore = old.contatore THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'a counter only goes forward',
        DETAIL = CASE tg_op
            WHEN 'TRUNCATE' THEN 'TRUNCATE would lose every counter.'
            ELSE format('Company %L, counter %s, last number given out %s.', old.azi, old.contatore, old.valore)
        END,
        HINT = 'A number given out twice would make two orders, or two changes, out of one.';
END
$apstatosyn_fixed$;

COMMENT ON FUNCTION ortes.apstatosyn_fixed() IS 'Trigger: refuses to move a counter back or to remove it. Raises OR004.';

CREATE OR REPLACE TRIGGER apstatosyn_fixed
AFTER UPDATE OF valore ON ortes.apstatosyn
FOR EACH ROW EXECUTE FUNCTION ortes.apstatosyn_fixed();
COMMENT ON TRIGGER apstatosyn_fixed ON ortes.apstatosyn IS 'A counter never goes back.';

CREATE OR REPLACE TRIGGER apstatosyn_same
BEFORE UPDATE OF azi, contatore ON ortes.apstatosyn
FOR EACH ROW EXECUTE FUNCTION ortes.apstatosyn_fixed();
COMMENT ON TRIGGER apstatosyn_same ON ortes.apstatosyn IS 'Nor does it become another one.';

CREATE OR REPLACE TRIGGER apstatosyn_kept
BEFORE DELETE ON ortes.apstatosyn
FOR EACH ROW EXECUTE FUNCTION ortes.apstatosyn_fixed();
COMMENT ON TRIGGER apstatosyn_kept ON ortes.apstatosyn IS 'A counter is never removed.';

CREATE OR REPLACE TRIGGER apstatosyn_kept_all
BEFORE TRUNCATE ON ortes.apstatosyn
FOR EACH STATEMENT EXECUTE FUNCTION ortes.apstatosyn_fixed();
COMMENT ON TRIGGER apstatosyn_kept_all ON ortes.apstatosyn IS 'Nor are all of them.';
