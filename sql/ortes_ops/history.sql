CREATE OR REPLACE FUNCTION ortes_ops.history(p_azi text, p_id_pub bigint)
RETURNS TABLE (at timestamptz, login text, door text, was jsonb, became jsonb)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
ROWS 10
AS $history$
-- The content first saved is not kept a second time: it is still the order's, or an entry says
-- that it was replaced. Which one, the order's digest tells.
DECLARE
    v_order ortes.arportes;
BEGIN
    PERFORM ortes.check_company(p_azi);
    PERFORM ortes.check_numbers('p_id_pub', ARRAY[p_id_pub], 1);
    SELECT a.* INTO v_order FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
    IF NOT FOUND THEN
        PERFORM ortes.raise_unknown_order(p_azi, p_id_pub);
    END IF;
    RETURN QUERY
    SELECT h.at, h.login, h.door, c.was,
        CASE WHEN h.was IS NULL THEN h.became || coalesce(f.dati, '{}') ELSE c.became END
    FROM ortes.history AS h
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(w.key, w.value) AS was, jsonb_object_agg(w.key, h.became -> w.key) AS became
        FROM jsonb_each(h.was) AS w
        WHERE w.value <> h.became -> w.key
    ) AS c ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_build_object('dati', d.dati) AS dati
        FROM (
            SELECT v_order.dati AS dati
            UNION ALL
            SELECT nullif(e.was -> 'dati', 'null') FROM ortes.history AS e
            WHERE e.azi = p_azi AND e.id_pub = p_id_pub AND e.was ? 'dati'
        ) AS d
        WHERE h.was IS NULL
            AND coalesce(v_order.dati_digest = ortes.content_digest(v_order.prov_tipo, d.dati, h.became ->> 'conferma'), true)
        LIMIT 1
    ) AS f ON true
    WHERE h.azi = p_azi AND h.id_pub = p_id_pub
    ORDER BY h.at, h.ctid;
END
$history$;

COMMENT ON FUNCTION ortes_ops.history(text, bigint) IS
'Who changed the order with ID-PUB p_id_pub, when, through which door (null: by hand), and the columns that changed, from what '
'(null: the order is new) to what, while the company was audited. Raises OR001, OR002, OR007.';
