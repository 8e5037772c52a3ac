CREATE OR REPLACE FUNCTION ortes.arportes_sincro()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_sincro$
-- What the ERP writes moves ID-SINCRO; the other systems' flags and autore_cod don't.
-- Locks the company when a number is drawn. Fires after arportes_fixed: triggers go by name.
BEGIN
    IF (old.tor_chia, old.ack_gest, old.conferma, old.dati)
        IS DISTINCT FROM (new.tor_chia, new.ack_gest, new.conferma, new.dati)
    THEN
        new.id_sincro := ortes.next_number(new.azi, 'ID-SINCRO');
    END IF;
    new.updated_at := now();
    RETURN new;
END
$arportes_sincro$;

COMMENT ON FUNCTION ortes.arportes_sincro() IS 'Trigger: a change by the ERP gets the company''s next ID-SINCRO. Raises 55P03.';

CREATE OR REPLACE TRIGGER arportes_sincro
BEFORE UPDATE ON ortes.arportes
FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION ortes.arportes_sincro();
COMMENT ON TRIGGER arportes_sincro ON ortes.arportes IS 'Numbers a change by the ERP.';
