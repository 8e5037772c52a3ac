CREATE OR REPLACE FUNCTION ortes.acquire_orders(p_azi text, p_id_pubs bigint [], p_tor_chias text [])
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $acquire_orders$
-- Behind acquire_order and acquire_orders of the ERP. Locks the company first. An order that has
-- its TOR-CHIA already is left alone, and tells its numbers again.
#variable_conflict use_column
DECLARE
    v_bad record;
BEGIN
    PERFORM ortes.check_numbers('id_pub', p_id_pubs, 1);
    PERFORM ortes.check_texts('tor_chia', p_tor_chias);
    PERFORM ortes.lock_company(p_azi);

    WITH asked AS (
        SELECT o.*,
            min(o.tor_chia) OVER (PARTITION BY o.id_pub) AS same_order,
            min(o.id_pub) OVER (PARTITION BY o.tor_chia) AS same_key
        FROM unnest(p_id_pubs, p_tor_chias) WITH ORDINALITY AS o (id_pub, tor_chia, ord)
    )
    SELECT q.id_pub, q.tor_chia, a.id_pub AS known, coalesce(a.tor_chia, q.same_order) AS has,
        coalesce(k.id_pub, q.same_key) AS owner
    INTO v_bad
    FROM asked AS q
    LEFT JOIN ortes.arportes AS a ON a.azi = p_azi AND a.id_pub = q.id_pub
    LEFT JOIN ortes.arportes AS k ON k.azi = p_azi AND k.tor_chia = q.tor_chia
    WHERE a.id_pub IS NULL
        OR coalesce(a.tor_chia, q.same_order) <> q.tor_chia
        OR coalesce(k.id_pub, q.same_key) <> q.id_pub
    ORDER BY q.ord
    LIMIT 1;
    IF FOUND THEN
        IF v_bad.known IS NULL THEN
            PERFORM ortes.raise_unknown_order(p_azi, v_bad.id_pub);
        ELSIF v_bad.owner <> v_bad.id_pub THEN
            PERFORM ortes.raise_taken_tor_chia(p_azi, v_bad.tor_chia, v_bad.owner);
        END IF;
        PERFORM ortes.raise_not_allowed(p_azi, v_bad.id_pub,
            format('it is acquired as TOR-CHIA %L, not %L', v_bad.has, v_bad.tor_chia), 'A TOR-CHIA is fixed once set.');
    END IF;

    UPDATE ortes.arportes AS a
    SET tor_chia = o.tor_chia, ack_gest = true
    FROM (
        SELECT DISTINCT ON (u.id_pub) u.*
        FROM unnest(p_id_pubs, p_tor_chias) AS u (id_pub, tor_chia)
        ORDER BY u.id_pub
    ) AS o
    WHERE a.azi = p_azi AND a.id_pub = o.id_pub AND a.tor_chia IS NULL;

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
