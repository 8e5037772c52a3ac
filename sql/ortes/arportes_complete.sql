CREATE OR REPLACE FUNCTION ortes.arportes_complete()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_complete$
-- After an INSERT and after arportes_after: a row that drew an
-- ID-PUB and was then not inserted (ON CONFLICT) would leave a gap.
DECLARE
    v_drawn CONSTANT bigint := current_setting('ortes.id_pub_total')::bigint;
    v_inserted CONSTANT bigint := (SELECT count(*) FROM inserted);
BEGIN
    IF v_inserted <> v_drawn THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR004',
            MESSAGE = 'this statement would leave gaps in the public ids',
            DETAIL = format('It drew %s numbers and inserted %s rows.', v_drawn, v_inserted),
            HINT = 'Insert without ON CONFLICT and without calling a door inside the INSERT; the doors recognise an order that is already here.';
    END IF;
    RETURN NULL;
END
$arportes_complete$;

COMMENT ON FUNCTION ortes.arportes_complete() IS 'Trigger: refuses a statement that drew public ids without using them. Raises OR004.';

CREATE OR REPLACE TRIGGER arportes_complete
AFTER INSERT ON ortes.arportes
REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_complete();
COMMENT ON TRIGGER arportes_complete ON ortes.arportes IS 'Public ids have no gaps.';
