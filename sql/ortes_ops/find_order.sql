CREATE OR REPLACE FUNCTION ortes_ops.find_order(
    p_azi text,
    p_id_pub bigint = NULL,
    p_tor_chia text = NULL,
    p_id_int bigint = NULL,
    p_prov_tipo text = NULL,
    p_prov_id integer = NULL
)
RETURNS TABLE (
    azi text,
    id_pub bigint,
    tor_chia text,
    conferma text,
    id_int bigint,
    ack_store boolean,
    ack_gest boolean,
    ack_app boolean,
    prov_tipo text,
    prov_id integer,
    autore_tipo text,
    autore_cod bigint,
    id_sincro bigint,
    created_at timestamptz,
    updated_at timestamptz,
    state text,
    waiting_for text
)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $find_order$
-- "Where is my order?" Locks nothing and shows no dati, so that the monitoring may ask, too.
DECLARE
    v_order ortes.arportes;
BEGIN
    PERFORM ortes.check_company(p_azi);
    IF num_nonnulls(p_id_pub, p_tor_chia, p_id_int) <> 1 THEN
        PERFORM ortes.raise_bad_argument('the order to find', concat_ws(', ', p_id_pub, p_tor_chia, p_id_int),
            'one of p_id_pub, p_tor_chia and p_id_int');
    ELSIF p_id_int IS NOT NULL AND (p_prov_tipo IN ('S', 'A')) IS NOT TRUE THEN
        PERFORM ortes.raise_bad_argument('p_prov_tipo', p_prov_tipo, 'S (store) or A (app), to which p_id_int belongs');
    END IF;
    IF p_id_pub IS NOT NULL THEN
        SELECT a.* INTO v_order FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
    ELSIF p_tor_chia IS NOT NULL THEN
        SELECT a.* INTO v_order FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.tor_chia = p_tor_chia;
    ELSE
        SELECT a.* INTO v_order FROM ortes.find_order(p_azi, p_prov_tipo, p_prov_id, p_id_int) AS a;
    END IF;
    IF v_order.id_pub IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT v_order.azi, v_order.id_pub, v_order.tor_chia, v_order.conferma, v_order.id_int, v_order.ack_store, v_order.ack_gest,
        v_order.ack_app, v_order.prov_tipo, v_order.prov_id, v_order.autore_tipo, v_order.autore_cod, v_order.id_sincro,
        v_order.created_at, v_order.updated_at,
        CASE WHEN NOT v_order.ack_gest THEN 'saved' WHEN v_order.conferma IS NULL THEN 'acquired' ELSE 'confirmed' END,
        ortes.waiting_for(v_order);
END
$find_order$;

COMMENT ON FUNCTION ortes_ops.find_order(text, bigint, text, bigint, text, integer) IS
'Where is my order? Found by one of p_id_pub, p_tor_chia (the ERP''s key) and p_id_int (its id in the store, p_prov_tipo S, or app, A; '
'p_prov_id: which store or device): the order without its dati; its state: saved, acquired (the ERP has it) or confirmed (it has a '
'confirmation number); and, in one sentence, what it is waiting for. No row where there is no such order. Raises OR001, OR007.';
