CREATE OR REPLACE FUNCTION ortes.arportes_end()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_end$
-- After each statement that may have drawn numbers.
BEGIN
    IF tg_op = 'INSERT' THEN
        PERFORM ortes.put_back_numbers('ID-PUB');
    END IF;
    PERFORM ortes.put_back_numbers('ID-SINCRO');
    RETURN NULL;
END
$arportes_end$;

COMMENT ON FUNCTION ortes.arportes_end() IS 'Trigger: the counters learn which numbers the statement drew. Raises OR004.';

CREATE OR REPLACE TRIGGER arportes_end
AFTER INSERT OR UPDATE OF tor_chia, ack_gest, conferma, dati ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_end();
COMMENT ON TRIGGER arportes_end ON ortes.arportes IS 'Writes back the numbers that the statement drew.';
