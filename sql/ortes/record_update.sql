CREATE OR REPLACE FUNCTION ortes.record_update(p_old ortes.arportes, p_new ortes.arportes)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $record_update$
-- Columns that are written together are compared together, which is quick;
-- ortes_ops.history shows those that differ.
DECLARE
    v_was jsonb := jsonb_build_object();
    v_became jsonb := jsonb_build_object();
BEGIN
    IF (p_old.tor_chia, p_old.conferma, p_old.ack_gest, p_old.id_sincro) IS DISTINCT FROM
        (p_new.tor_chia, p_new.conferma, p_new.ack_gest, p_new.id_sincro)
    THEN
        v_was := jsonb_build_object(
            'tor_chia', p_old.tor_chia, 'conferma', p_old.conferma, 'ack_gest', p_old.ack_gest, 'id_sincro', p_old.id_sincro);
        v_became := jsonb_build_object(
            'tor_chia', p_new.tor_chia, 'conferma', p_new.conferma, 'ack_gest', p_new.ack_gest, 'id_sincro', p_new.id_sincro);
    END IF;
    IF (p_old.ack_store, p_old.ack_app, p_old.autore_cod) IS DISTINCT FROM (p_new.ack_store, p_new.ack_app, p_new.autore_cod) THEN
        v_was := v_was || jsonb_build_object(
            'ack_store', p_old.ack_store, 'ack_app', p_old.ack_app, 'autore_cod', p_old.autore_cod);
        v_became := v_became || jsonb_build_object(
            'ack_store', p_new.ack_store, 'ack_app', p_new.ack_app, 'autore_cod', p_new.autore_cod);
    END IF;
    IF p_old.dati IS DISTINCT FROM p_new.dati THEN
        v_was := v_was || jsonb_build_object('dati', p_old.dati);
        v_became := v_became || jsonb_build_object('dati', p_new.dati);
    END IF;
    IF v_was <> v_became THEN
        INSERT INTO ortes.history (azi, id_pub, door, was, became)
        VALUES (p_new.azi, p_new.id_pub, ortes.calling_door(), v_was, v_became);
    END IF;
END
$record_update$;

COMMENT ON FUNCTION ortes.record_update(ortes.arportes, ortes.arportes) IS
'Writes a change of an audited company''s order to ortes.history. For the triggers alone.';
