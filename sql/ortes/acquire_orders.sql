CREATE OR REPLACE FUNCTION ortes.acquire_orders(p_azi text, p_id_pubs bigint [], p_tor_chias text [])
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $acquire_orders$
-- Behind acquire_order and acquire_orders of the ERP. Locks the company first. An order that has
-- its TOR-CHIA already is left alone, and tells its numbers again. One look at the range of the keys
-- spares, most often, one for each of them. Where every element was new,
-- the UPDATE's own answer is the answer; else check_acquire says which may not be.
#variable_conflict use_column
DECLARE
    v_first text COLLATE "C";
    v_last text COLLATE "C";
    v_twice boolean;
    v_id_pubs bigint[] := p_id_pubs;
    v_tor_chias text[] := p_tor_chias;
    v_id_sincros bigint[];
BEGIN
    PERFORM ortes.check_numbers('id_pub', p_id_pubs, 1);
    PERFORM ortes.check_texts('tor_chia', p_tor_chias);
    PERFORM ortes.lock_company(p_azi);

    SELECT min(t.t), max(t.t), count(DISTINCT t.t) < count(*) INTO v_first, v_last, v_twice FROM unnest(p_tor_chias) AS t (t);
    IF v_twice THEN
        PERFORM ortes.check_acquire(p_azi, p_id_pubs, p_tor_chias);
    END IF;
    PERFORM FROM ortes.arportes AS k WHERE k.azi = p_azi AND k.tor_chia BETWEEN v_first AND v_last LIMIT 1;
    IF FOUND THEN
        SELECT array_agg(o.id_pub ORDER BY o.ord), array_agg(o.tor_chia ORDER BY o.ord) INTO v_id_pubs, v_tor_chias
        FROM unnest(p_id_pubs, p_tor_chias) WITH ORDINALITY AS o (id_pub, tor_chia, ord)
        WHERE NOT EXISTS (SELECT FROM ortes.arportes AS k WHERE k.azi = p_azi AND k.tor_chia = o.tor_chia);
    END IF;

    WITH acquired AS (
        UPDATE ortes.arportes AS a
        SET tor_chia = o.tor_chia, ack_gest = true
        FROM unnest(v_id_pubs, v_tor_chias) WITH ORDINALITY AS o (id_pub, tor_chia, ord)
        WHERE a.azi = p_azi AND a.id_pub = o.id_pub AND a.tor_chia IS NULL
        RETURNING o.ord, a.id_pub, a.id_sincro
    )

    SELECT array_agg(q.id_pub), array_agg(q.id_sincro) INTO v_id_pubs, v_id_sincros
    FROM (SELECT r.* FROM acquired AS r ORDER BY r.ord) AS q;

    IF cardinality(v_id_pubs) = cardinality(p_id_pubs) THEN
        RETURN QUERY SELECT * FROM unnest(v_id_pubs, v_id_sincros);
        RETURN;
    END IF;
    PERFORM ortes.check_acquire(p_azi, p_id_pubs, p_tor_chias);
    RETURN QUERY
    SELECT a.id_pub, a.id_sincro
    FROM unnest(p_id_pubs) WITH ORDINALITY AS o (id_pub, ord)
    INNER JOIN ortes.arportes AS a ON a.azi = p_azi AND a.id_pub = o.id_pub
    ORDER BY o.ord;
END
$acquire_orders$;

COMMENT ON FUNCTION ortes.acquire_orders(text, bigint [], text []) IS
'The ERP has these orders: TOR-CHIA, ACK-GEST and the next ID-SINCRO; the arrays run in parallel. One row an element, '
'in their order. All or nothing. Raises OR002, OR004, OR005, OR007, 55P03.';
