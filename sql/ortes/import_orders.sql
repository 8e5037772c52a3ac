CREATE OR REPLACE FUNCTION ortes.import_orders(p_azi text, p_prov_tipo text, p_id_pubs bigint [])
RETURNS integer
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $import_orders$
-- Behind import_order and import_orders of store (S) and app (A). Locks the company first, like
-- every writer. Orders that the system has already are left alone.
DECLARE
    v_unknown bigint;
    v_changed integer;
BEGIN
    IF p_id_pubs IS NULL OR cardinality(p_id_pubs) > 10000 THEN
        PERFORM ortes.raise_bad_argument('p_id_pubs', cardinality(p_id_pubs) || ' elements', 'an array of at most 10000 public ids');
    END IF;
    IF (1 <= ALL (p_id_pubs)) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('id_pub', p_id_pubs, 1);
    END IF;
    PERFORM ortes.lock_company(p_azi);

    UPDATE ortes.arportes AS a
    SET ack_store = a.ack_store OR p_prov_tipo = 'S', ack_app = a.ack_app OR p_prov_tipo = 'A'
    WHERE a.azi = p_azi AND a.id_pub = ANY (p_id_pubs)
        AND NOT CASE p_prov_tipo WHEN 'S' THEN a.ack_store ELSE a.ack_app END;
    GET DIAGNOSTICS v_changed = ROW_COUNT;

    IF v_changed < cardinality(p_id_pubs) THEN
        SELECT i.id_pub INTO v_unknown
        FROM unnest(p_id_pubs) WITH ORDINALITY AS i (id_pub, ord)
        WHERE NOT EXISTS (SELECT FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = i.id_pub)
        ORDER BY i.ord
        LIMIT 1;
        IF FOUND THEN
            PERFORM ortes.raise_unknown_order(p_azi, v_unknown);
        END IF;
    END IF;
    RETURN v_changed;
END
$import_orders$;

COMMENT ON FUNCTION ortes.import_orders(text, text, bigint []) IS
'The store (p_prov_tipo S) or the app (A) has these orders now: sets ACK-STORE or ACK-APP and returns on how many it was new. '
'All or nothing. Raises OR002, OR007, 55P03.';
