CREATE OR REPLACE FUNCTION ortes.arportes_begin()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_begin$
-- Before each statement: none of its numbers is drawn yet, and no company is known not to be
-- audited, whatever the session says. Numbers in the settings are those of a statement around this
-- one (or forged): its counter is put right by the orders there are, which needs no trust. An
-- UPDATE draws no ID-PUB. Most often there is nothing to forget, and one look tells. Returns `new`: see arportes_inserted.
BEGIN
    IF concat(
        current_setting('ortes.id_pub_azi', true), current_setting('ortes.id_sincro_azi', true), current_setting('ortes.unaudited', true)
    ) = '' THEN
        RETURN new;
    END IF;
    IF tg_op = 'INSERT' AND current_setting('ortes.id_pub_azi', true) <> '' THEN
        PERFORM ortes.put_right_counter(current_setting('ortes.id_pub_azi'), 'ID-PUB');
        PERFORM set_config('ortes.id_pub_azi', '', true);
    END IF;
    IF current_setting('ortes.id_sincro_azi', true) <> '' THEN
        PERFORM ortes.put_right_counter(current_setting('ortes.id_sincro_azi'), 'ID-SINCRO');
        PERFORM set_config('ortes.id_sincro_azi', '', true);
    END IF;
    PERFORM set_config('ortes.unaudited', '', true);
    RETURN new;
END
$arportes_begin$;

COMMENT ON FUNCTION ortes.arportes_begin() IS
'Trigger: forgets what the settings say: numbers that next_number counts, which company is not audited.';

CREATE OR REPLACE TRIGGER arportes_begin
BEFORE INSERT OR UPDATE ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_begin();
COMMENT ON TRIGGER arportes_begin ON ortes.arportes IS 'No numbers are drawn when a statement begins, and the settings are not believed.';
