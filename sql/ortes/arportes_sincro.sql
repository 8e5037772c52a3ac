CREATE OR REPLACE FUNCTION ortes.arportes_sincro()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_sincro$
-- What the ERP writes moves ID-SINCRO; the other systems' flags and autore_cod don't.
-- Locks the company. Assignments and no PERFORM: this runs once a row. Fires after
-- arportes_fixed, which would refuse the number that is set here: triggers go by name.
BEGIN
    IF new.azi = current_setting('ortes.id_sincro_azi') THEN
        new.id_sincro := set_config('ortes.id_sincro', (current_setting('ortes.id_sincro')::bigint + 1)::text, true)::bigint;
    ELSE
        new.id_sincro := ortes.next_number(new.azi, 'ID-SINCRO');
    END IF;
    -- The content first saved is about to go: what a late repeat is compared with stays.
    IF new.dati_digest IS NULL AND NOT ortes.same_content(old, new.dati, new.conferma) THEN
        new.dati_digest := ortes.content_digest(old.prov_tipo, old.dati, old.conferma);
    END IF;
    new.updated_at := now();
    RETURN new;
END
$arportes_sincro$;

COMMENT ON FUNCTION ortes.arportes_sincro() IS
'Trigger: a change by the ERP gets the company''s next ID-SINCRO, and the first one leaves the digest of what was saved. Raises 55P03.';

CREATE OR REPLACE TRIGGER arportes_sincro
BEFORE UPDATE ON ortes.arportes
FOR EACH ROW WHEN (
    old.tor_chia IS DISTINCT FROM new.tor_chia
    OR old.ack_gest IS DISTINCT FROM new.ack_gest
    OR old.conferma IS DISTINCT FROM new.conferma
    OR old.dati IS DISTINCT FROM new.dati
) EXECUTE FUNCTION ortes.arportes_sincro();
COMMENT ON TRIGGER arportes_sincro ON ortes.arportes IS 'Numbers a change by the ERP.';
