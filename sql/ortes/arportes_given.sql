CREATE OR REPLACE FUNCTION ortes.arportes_given()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_given$
-- Reached only by an INSERT that brings what the hub sets itself. Fires before arportes_insert,
-- which sets it: triggers go by name. Flags follow prov_tipo, whatever was given.
BEGIN
    IF new.id_pub IS NOT NULL OR new.id_sincro <> 0 OR new.dati_digest IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR004',
            MESSAGE = 'the hub gives out ID-PUB and ID-SINCRO itself',
            DETAIL = format('Company %L: ID-PUB %s, ID-SINCRO %s, a digest %s.', new.azi,
                coalesce(new.id_pub::text, 'not given'), new.id_sincro,
                CASE WHEN new.dati_digest IS NULL THEN 'not given' ELSE 'given' END),
            HINT = 'Leave id_pub, id_sincro and dati_digest out of the INSERT.';
    END IF;
    new.ack_store := false;
    new.ack_gest := false;
    new.ack_app := false;
    RETURN new;
END
$arportes_given$;

COMMENT ON FUNCTION ortes.arportes_given() IS 'Trigger: refuses numbers that a caller chose, and clears flags. Raises OR004.';

CREATE OR REPLACE TRIGGER arportes_given
BEFORE INSERT ON ortes.arportes
FOR EACH ROW WHEN (
    new.id_pub IS NOT NULL OR new.id_sincro <> 0 OR new.dati_digest IS NOT NULL
    OR new.ack_store OR new.ack_gest OR new.ack_app
) EXECUTE FUNCTION ortes.arportes_given();
COMMENT ON TRIGGER arportes_given ON ortes.arportes IS 'Nobody chooses a number or a flag.';
