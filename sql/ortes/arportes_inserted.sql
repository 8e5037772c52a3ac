CREATE OR REPLACE FUNCTION ortes.arportes_inserted()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_inserted$
-- After an INSERT: the counters learn which numbers it drew. Assignments and no PERFORM: they start no query.
DECLARE
    v_none text;
BEGIN
    IF current_setting('ortes.id_pub_azi', true) <> '' THEN
        v_none := ortes.settle_numbers('ID-PUB');
    END IF;
    IF current_setting('ortes.id_sincro_azi', true) <> '' THEN
        v_none := ortes.settle_numbers('ID-SINCRO');
    END IF;
    RETURN NULL;
END
$arportes_inserted$;

COMMENT ON FUNCTION ortes.arportes_inserted() IS
'Trigger: the counters learn which numbers an INSERT drew; one that drew more than it inserted is refused. Raises OR004.';

CREATE OR REPLACE TRIGGER arportes_inserted
AFTER INSERT ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_inserted();
COMMENT ON TRIGGER arportes_inserted ON ortes.arportes IS 'Writes back the numbers that the statement drew.';
