CREATE OR REPLACE FUNCTION ortes_ops.order_history(p_azi text, p_id_pub bigint)
RETURNS TABLE (at timestamptz, login text, door text, change text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
ROWS 10
AS $order_history$
    -- history to be read by people, and without the content, so that the monitoring may ask, too.
    SELECT
        h.at,
        h.login,
        h.door,
        CASE WHEN h.was IS NULL THEN 'created' ELSE c.change END AS change
    FROM ortes_ops.history(p_azi, p_id_pub) WITH ORDINALITY AS h (at, login, door, was, became, ord)
    CROSS JOIN LATERAL (
        SELECT string_agg(
            CASE
                WHEN b.key = 'dati' THEN 'dati'
                WHEN h.was -> b.key IN ('null', 'false') THEN format('%s %s', b.key, b.value)
                ELSE format('%s %s (was %s)', b.key, coalesce(b.value, 'null'), h.was ->> b.key)
            END, ', ' ORDER BY b.key) AS change
        FROM jsonb_each_text(h.became) AS b
    ) AS c
    ORDER BY h.ord
$order_history$;

COMMENT ON FUNCTION ortes_ops.order_history(text, bigint) IS
'The history of the order with ID-PUB p_id_pub as lines to read: when, who, through which door (null: by hand), and what changed; of '
'dati only that it did. While the company was audited. Raises OR001, OR002, OR007.';
