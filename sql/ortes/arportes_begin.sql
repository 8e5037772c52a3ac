CREATE OR REPLACE FUNCTION ortes.arportes_begin()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_begin$
-- Before each statement that may draw numbers: none is drawn yet, whatever the session says.
-- Numbers in the settings are those of a statement around this one (or forged): its counter is
-- put right by the orders there are, which needs no trust. An UPDATE draws no ID-PUB.
BEGIN
    IF tg_op = 'INSERT' AND current_setting('ortes.id_pub_azi', true) <> '' THEN
        PERFORM ortes.put_right_counter(current_setting('ortes.id_pub_azi'), 'ID-PUB');
        PERFORM set_config('ortes.id_pub_azi', '', true);
    END IF;
    IF current_setting('ortes.id_sincro_azi', true) <> '' THEN
        PERFORM ortes.put_right_counter(current_setting('ortes.id_sincro_azi'), 'ID-SINCRO');
        PERFORM set_config('ortes.id_sincro_azi', '', true);
    END IF;
    RETURN NULL;
END
$arportes_begin$;

COMMENT ON FUNCTION ortes.arportes_begin() IS 'Trigger: empties the settings in which next_number counts.';

CREATE OR REPLACE TRIGGER arportes_begin
BEFORE INSERT OR UPDATE OF tor_chia, ack_gest, conferma, dati ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_begin();
COMMENT ON TRIGGER arportes_begin ON ortes.arportes IS 'No numbers are drawn when a statement begins.';
