CREATE OR REPLACE FUNCTION ortes.history_update()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $history_update$
-- Where the change drew an ID-SINCRO, next_number said whether the company is audited, and the
-- trigger's WHEN asks for that; else it is asked here. Columns that are written together are
-- compared together, which is quick; ortes_ops.history shows those that differ.
DECLARE
    v_was jsonb := jsonb_build_object();
    v_became jsonb := jsonb_build_object();
BEGIN
    IF new.id_sincro = old.id_sincro AND NOT ortes.is_audited(new.azi) THEN
        RETURN NULL;
    END IF;
    IF (old.tor_chia, old.conferma, old.ack_gest, old.id_sincro) IS DISTINCT FROM
        (new.tor_chia, new.conferma, new.ack_gest, new.id_sincro)
    THEN
        v_was := jsonb_build_object(
            'tor_chia', old.tor_chia, 'conferma', old.conferma, 'ack_gest', old.ack_gest, 'id_sincro', old.id_sincro);
        v_became := jsonb_build_object(
            'tor_chia', new.tor_chia, 'conferma', new.conferma, 'ack_gest', new.ack_gest, 'id_sincro', new.id_sincro);
    END IF;
    IF (old.ack_store, old.ack_app, old.autore_cod) IS DISTINCT FROM (new.ack_store, new.ack_app, new.autore_cod) THEN
        v_was := v_was
            || jsonb_build_object('ack_store', old.ack_store, 'ack_app', old.ack_app, 'autore_cod', old.autore_cod);
        v_became := v_became
            || jsonb_build_object('ack_store', new.ack_store, 'ack_app', new.ack_app, 'autore_cod', new.autore_cod);
    END IF;
    IF old.dati IS DISTINCT FROM new.dati THEN
        v_was := v_was || jsonb_build_object('dati', old.dati);
        v_became := v_became || jsonb_build_object('dati', new.dati);
    END IF;
    IF v_was = v_became THEN
        RETURN NULL;
    END IF;
    INSERT INTO ortes.history (azi, id_pub, door, was, became)
    VALUES (new.azi, new.id_pub, ortes.calling_door(), v_was, v_became);
    RETURN NULL;
END
$history_update$;

COMMENT ON FUNCTION ortes.history_update() IS 'Trigger: writes a change to ortes.history. Raises 40001.';

CREATE OR REPLACE TRIGGER history_update
AFTER UPDATE ON ortes.arportes
FOR EACH ROW WHEN (new.azi IS DISTINCT FROM current_setting('ortes.unaudited', true))
EXECUTE FUNCTION ortes.history_update();
COMMENT ON TRIGGER history_update ON ortes.arportes IS 'Who changed an order, where the company is audited.';
