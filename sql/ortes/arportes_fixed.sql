CREATE OR REPLACE FUNCTION ortes.arportes_fixed()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_fixed$
-- Reached only when the trigger's condition has found a column that may not change so;
-- the condition is the rule, this finds the words.
DECLARE
    v_column text;
BEGIN
    SELECT string_agg(o.key, ', ') INTO v_column
    FROM jsonb_each_text(to_jsonb(old) - ARRAY['conferma', 'autore_cod', 'dati', 'updated_at']) AS o
    INNER JOIN jsonb_each_text(to_jsonb(new)) AS n ON o.key = n.key
    WHERE o.value IS DISTINCT FROM n.value AND NOT (o.key LIKE 'ack%' AND n.value IS NOT DISTINCT FROM 'true');

    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'not allowed on this order',
        DETAIL = format('Company %L, ID-PUB %s: %s may not change so.', old.azi, old.id_pub, v_column),
        HINT = 'These columns are fixed once set, flags only go from false to true, and the hub gives out ID-SINCRO.';
END
$arportes_fixed$;

COMMENT ON FUNCTION ortes.arportes_fixed() IS 'Trigger: refuses a change of what is fixed for life, naming the columns. Raises OR004, always.';

CREATE OR REPLACE TRIGGER arportes_fixed
BEFORE UPDATE ON ortes.arportes
FOR EACH ROW WHEN (
    (old.azi, old.id_pub, old.prov_tipo, old.prov_id, old.id_int, old.autore_tipo, old.dati_digest, old.created_at, old.id_sincro)
    IS DISTINCT FROM
    (new.azi, new.id_pub, new.prov_tipo, new.prov_id, new.id_int, new.autore_tipo, new.dati_digest, new.created_at, new.id_sincro)
    OR (old.tor_chia IS NOT NULL AND old.tor_chia IS DISTINCT FROM new.tor_chia)
    OR (old.ack_store AND new.ack_store IS NOT TRUE)
    OR (old.ack_gest AND new.ack_gest IS NOT TRUE)
    OR (old.ack_app AND new.ack_app IS NOT TRUE)
) EXECUTE FUNCTION ortes.arportes_fixed();
COMMENT ON TRIGGER arportes_fixed ON ortes.arportes IS 'What is fixed for life stays; flags never go back.';
