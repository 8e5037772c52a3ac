CREATE OR REPLACE FUNCTION ortes.waiting_for(p_order ortes.arportes)
RETURNS text
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $waiting_for$
-- Behind ortes_ops.find_order. First the ERP acquires; then each reader reads the last change, a
-- system that reads imports what it lacks, and the ERP gives its confirmation number.
DECLARE
    v record;
    v_waiting text[] := ARRAY[]::text[];
BEGIN
    IF NOT p_order.ack_gest THEN
        RETURN 'Waiting for the ERP to acquire it' || CASE WHEN p_order.autore_cod = 0 THEN ', and to give its author a code' ELSE '' END
            || '.';
    END IF;
    SELECT coalesce(array_agg(n.name ORDER BY r.prov_tipo DESC, r.prov_id NULLS FIRST) FILTER (WHERE NOT r.up_to_date), '{}') AS behind,
        bool_and(r.up_to_date) FILTER (WHERE r.prov_tipo = 'S') AS store_read,
        bool_and(r.up_to_date) FILTER (WHERE r.prov_tipo = 'A') AS app_read,
        count(*) AS readers
    INTO v
    FROM ortes_ops.order_readers(p_order.azi, p_order.id_pub) AS r
    CROSS JOIN LATERAL (
        SELECT CASE WHEN r.prov_tipo = 'A' THEN 'device ' || r.prov_id ELSE coalesce('store ' || r.prov_id, 'the store') END AS name
    ) AS n;
    IF v.readers = 0 THEN
        v_waiting := ARRAY['a store or an app to read it'];
    ELSIF v.behind <> '{}' THEN
        IF cardinality(v.behind) > 4 THEN
            v.behind := v.behind[1:3] || format('%s more', cardinality(v.behind) - 3);
        END IF;
        v_waiting := ARRAY[format('%s to confirm the order''s last change (ID-SINCRO %s)',
            regexp_replace(array_to_string(v.behind, ', '), '^(.*), ', '\1 and '), p_order.id_sincro)];
    END IF;
    IF v.store_read AND NOT p_order.ack_store THEN
        v_waiting := v_waiting || 'the store to import it'::text;
    END IF;
    IF v.app_read AND NOT p_order.ack_app THEN
        v_waiting := v_waiting || 'the app to import it'::text;
    END IF;
    IF p_order.conferma IS NULL THEN
        v_waiting := v_waiting || 'the ERP to give it a confirmation number'::text;
    END IF;
    RETURN coalesce('Waiting for ' || nullif(array_to_string(v_waiting, ', and for '), '') || '.',
        'Nothing: it is confirmed, and every reader has confirmed its last change.');
END
$waiting_for$;

COMMENT ON FUNCTION ortes.waiting_for(ortes.arportes) IS
'In one sentence, what an order is waiting for.';
