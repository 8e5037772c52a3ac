CREATE OR REPLACE FUNCTION ortes.arportes_update()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_update$
-- A key once given stays (arportes_fixed has the rest that does), flags never go back, and what the
-- ERP writes moves ID-SINCRO (the other systems' flags and autore_cod don't), for which the company
-- is locked. Assignments and no PERFORM, IF and no WHEN: see arportes_insert.
BEGIN
    new.updated_at := now();
    IF old.tor_chia <> coalesce(new.tor_chia, '')
        OR old.ack_store AND new.ack_store IS NOT TRUE
        OR old.ack_gest AND new.ack_gest IS NOT TRUE
        OR old.ack_app AND new.ack_app IS NOT TRUE
    THEN
        PERFORM ortes.raise_bad_update(old, new);
    END IF;
    IF (old.tor_chia, old.ack_gest, old.conferma) IS DISTINCT FROM (new.tor_chia, new.ack_gest, new.conferma)
        OR old.dati IS DISTINCT FROM new.dati
    THEN
        IF new.azi = nullif(current_setting('ortes.id_sincro_azi', true), '') THEN
            new.id_sincro := set_config('ortes.id_sincro', (current_setting('ortes.id_sincro')::bigint + 1)::text, true)::bigint;
        ELSE
            new.id_sincro := ortes.next_number(new.azi, 'ID-SINCRO', false);
        END IF;
        -- The content first saved is about to go: what a late repeat is compared with stays.
        IF new.dati_digest IS NULL AND NOT ortes.still_same_content(old, new.dati, new.conferma) THEN
            new.dati_digest := ortes.content_digest(old.prov_tipo, old.dati, old.conferma);
        END IF;
    END IF;
    IF (CASE
        WHEN new.id_sincro <> old.id_sincro THEN new.azi = current_setting('ortes.audited', true)
        ELSE new.azi IS DISTINCT FROM current_setting('ortes.unaudited', true) AND ortes.is_audited(new.azi)
    END) THEN
        PERFORM ortes.record_update(old, new);
    END IF;
    RETURN new;
END
$arportes_update$;

COMMENT ON FUNCTION ortes.arportes_update() IS
'Trigger: refuses what an order may not become; a change by the ERP gets the company''s next ID-SINCRO, and the first '
'one leaves the digest of what was saved. Raises OR004, 55P03.';

CREATE OR REPLACE TRIGGER arportes_update
BEFORE UPDATE ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION ortes.arportes_update();
COMMENT ON TRIGGER arportes_update ON ortes.arportes IS 'Guards what is fixed, and numbers a change by the ERP.';
