CREATE OR REPLACE FUNCTION ortes.arportes_updated()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_updated$
-- After an UPDATE by the ERP: the counter learns which numbers it drew. See arportes_inserted.
DECLARE
    v_none text;
BEGIN
    IF current_setting('ortes.id_sincro_azi', true) <> '' THEN
        v_none := CASE
            WHEN starts_with(current_setting('ortes.id_sincro'), '+') THEN set_config('ortes.id_sincro_azi', '', true)
            ELSE ortes.settle_numbers('ID-SINCRO')
        END;
    END IF;
    RETURN new;
END
$arportes_updated$;

COMMENT ON FUNCTION ortes.arportes_updated() IS 'Trigger: the counter learns which numbers an UPDATE drew.';

CREATE OR REPLACE TRIGGER arportes_updated
AFTER UPDATE OF tor_chia, ack_gest, conferma, dati ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_updated();
COMMENT ON TRIGGER arportes_updated ON ortes.arportes IS 'Writes back the numbers that the statement drew.';
