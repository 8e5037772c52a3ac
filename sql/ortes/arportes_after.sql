CREATE OR REPLACE FUNCTION ortes.arportes_after()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_after$
-- After each statement that may have drawn numbers.
BEGIN
    IF tg_op = 'INSERT' THEN
        PERFORM ortes.put_back_numbers('ID-PUB');
    END IF;
    PERFORM ortes.put_back_numbers('ID-SINCRO');
    RETURN NULL;
END
$arportes_after$;

COMMENT ON FUNCTION ortes.arportes_after() IS 'Trigger: the counters learn which numbers the statement drew.';

CREATE OR REPLACE TRIGGER arportes_after
AFTER INSERT OR UPDATE OF tor_chia, ack_gest, conferma, dati ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_after();
COMMENT ON TRIGGER arportes_after ON ortes.arportes IS 'Writes back the numbers that the statement drew.';
