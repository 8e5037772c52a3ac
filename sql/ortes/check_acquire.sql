CREATE OR REPLACE FUNCTION ortes.check_acquire(p_azi text, p_id_pubs bigint [], p_tor_chias text [])
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $check_acquire$
-- What an acquisition may not do, first element first. Called under the company's lock, before
-- or after the orders that can be acquired are: those pass.
DECLARE
    v_bad record;
BEGIN
    WITH asked AS (
        SELECT o.*,
            first_value(o.tor_chia) OVER (PARTITION BY o.id_pub ORDER BY o.ord) AS first_tor_chia,
            first_value(o.id_pub) OVER (PARTITION BY o.tor_chia ORDER BY o.ord) AS first_id_pub
        FROM unnest(p_id_pubs, p_tor_chias) WITH ORDINALITY AS o (id_pub, tor_chia, ord)
    )
    -- a: the order that is named; k: the one that has the TOR-CHIA.
    SELECT q.id_pub, q.tor_chia, a.id_pub AS known, coalesce(a.tor_chia, q.first_tor_chia) AS has,
        coalesce(k.id_pub, q.first_id_pub) AS owner
    INTO v_bad
    FROM asked AS q
    LEFT JOIN ortes.arportes AS a ON a.azi = p_azi AND a.id_pub = q.id_pub
    LEFT JOIN ortes.arportes AS k ON k.azi = p_azi AND k.tor_chia = q.tor_chia
    WHERE a.id_pub IS NULL
        OR coalesce(a.tor_chia, q.first_tor_chia) <> q.tor_chia
        OR coalesce(k.id_pub, q.first_id_pub) <> q.id_pub
    ORDER BY q.ord
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    ELSIF v_bad.known IS NULL THEN
        PERFORM ortes.raise_unknown_order(p_azi, v_bad.id_pub);
    ELSIF v_bad.owner <> v_bad.id_pub THEN
        PERFORM ortes.raise_taken_tor_chia(p_azi, v_bad.tor_chia, v_bad.owner);
    END IF;
    PERFORM ortes.raise_not_allowed(p_azi, v_bad.id_pub,
        format('it is acquired as TOR-CHIA %L, not %L', v_bad.has, v_bad.tor_chia), 'A TOR-CHIA is fixed once set.');
END
$check_acquire$;

COMMENT ON FUNCTION ortes.check_acquire(text, bigint [], text []) IS
'Refuses an acquisition that names an unknown order, a TOR-CHIA of another order, or a second TOR-CHIA. Raises OR002, OR004, OR005.';
