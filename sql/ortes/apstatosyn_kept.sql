CREATE OR REPLACE FUNCTION ortes.apstatosyn_kept()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $apstatosyn_kept$
-- For TRUNCATE per statement: there is no old row then. Apart from apstatosyn_fixed, which runs with every number.
BEGIN
    IF tg_op <> 'UPDATE' OR new.azi IS DISTINCT FROM old.azi OR new.contatore IS DISTINCT FROM old.contatore THEN
        PERFORM ortes.raise_counter_lost(old);
    END IF;
    RETURN new;
END
$apstatosyn_kept$;

COMMENT ON FUNCTION ortes.apstatosyn_kept() IS 'Trigger: refuses to remove a counter, or to make another one out of it. Raises OR004.';

CREATE OR REPLACE TRIGGER apstatosyn_same
BEFORE UPDATE OF azi, contatore ON ortes.apstatosyn
FOR EACH ROW EXECUTE FUNCTION ortes.apstatosyn_kept();
COMMENT ON TRIGGER apstatosyn_same ON ortes.apstatosyn IS 'A counter does not become another one.';

CREATE OR REPLACE TRIGGER apstatosyn_kept
BEFORE DELETE ON ortes.apstatosyn
FOR EACH ROW EXECUTE FUNCTION ortes.apstatosyn_kept();
COMMENT ON TRIGGER apstatosyn_kept ON ortes.apstatosyn IS 'A counter is never removed.';

CREATE OR REPLACE TRIGGER apstatosyn_kept_all
BEFORE TRUNCATE ON ortes.apstatosyn
FOR EACH STATEMENT EXECUTE FUNCTION ortes.apstatosyn_kept();
COMMENT ON TRIGGER apstatosyn_kept_all ON ortes.apstatosyn IS 'Nor are all of them.';
