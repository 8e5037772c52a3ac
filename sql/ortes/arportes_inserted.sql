CREATE OR REPLACE FUNCTION ortes.arportes_inserted()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_inserted$
-- After an INSERT: the counters learn which numbers it drew. A row that drew an ID-PUB and was
-- then not inserted (ON CONFLICT) would leave a gap.
DECLARE
    v_drawn bigint := 0::bigint;
BEGIN
    IF current_setting('ortes.id_pub_azi', true) <> '' THEN
        v_drawn := ortes.put_back_numbers('ID-PUB');
    END IF;
    IF current_setting('ortes.id_sincro_azi', true) <> '' THEN
        PERFORM ortes.put_back_numbers('ID-SINCRO');
    END IF;
    IF v_drawn <> (SELECT count(*) FROM inserted) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR004',
            MESSAGE = 'this statement would leave gaps in the public ids',
            DETAIL = format('It drew %s numbers and inserted %s rows.', v_drawn, (SELECT count(*) FROM inserted)),
            HINT = 'Insert without ON CONFLICT, or use the doors: they recognise an order that is already here.';
    END IF;
    RETURN NULL;
END
$arportes_inserted$;

COMMENT ON FUNCTION ortes.arportes_inserted() IS
'Trigger: the counters learn which numbers an INSERT drew; one that drew more than it inserted is refused. Raises OR004.';

CREATE OR REPLACE TRIGGER arportes_inserted
AFTER INSERT ON ortes.arportes
REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_inserted();
COMMENT ON TRIGGER arportes_inserted ON ortes.arportes IS 'Writes back the numbers that the statement drew.';
