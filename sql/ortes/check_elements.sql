CREATE OR REPLACE FUNCTION ortes.check_elements(p_orders jsonb, p_keys jsonb)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_elements$
-- The shape of the array that a set-based door was sent; its values are the core's to check.
-- p_keys: what each key must hold: integer, text or any. A key set to null counts as absent.
DECLARE
    v_bad record;
BEGIN
    IF p_orders IS NULL OR jsonb_typeof(p_orders) <> 'array' THEN
        PERFORM ortes.raise_bad_argument('p_orders', jsonb_typeof(p_orders), 'a JSON array of objects');
    END IF;
    IF jsonb_array_length(p_orders) > 10000 THEN
        PERFORM ortes.raise_bad_argument('p_orders', jsonb_array_length(p_orders) || ' elements', 'at most 10000 elements a call');
    END IF;

    SELECT e.ord, k.key, jsonb_typeof(coalesce(k.value, e.value)) AS type, p_keys ->> k.key AS expected INTO v_bad
    FROM jsonb_array_elements(p_orders) WITH ORDINALITY AS e (value, ord)
    LEFT JOIN LATERAL jsonb_each(CASE jsonb_typeof(e.value) WHEN 'object' THEN e.value END) AS k ON true
    WHERE jsonb_typeof(e.value) <> 'object'
        OR CASE
            WHEN k.key IS NULL OR p_keys ->> k.key = 'any' THEN false
            WHEN NOT p_keys ? k.key THEN true
            WHEN k.value = 'null' THEN false
            WHEN p_keys ->> k.key = 'text' THEN jsonb_typeof(k.value) <> 'string'
            WHEN jsonb_typeof(k.value) <> 'number' OR k.value::text !~ '^-?\d{1,19}$' THEN true
            ELSE k.value::numeric NOT BETWEEN -9223372036854775808 AND 9223372036854775807
        END
    ORDER BY e.ord
    LIMIT 1;

    IF v_bad.key IS NOT NULL AND v_bad.expected IS NULL THEN
        PERFORM ortes.raise_bad_argument(format('p_orders, element %s', v_bad.ord), 'with a key ' || v_bad.key,
            'only the keys ' || array_to_string(ARRAY(SELECT jsonb_object_keys(p_keys)), ', '));
    ELSIF v_bad.key IS NOT NULL THEN
        PERFORM ortes.raise_bad_argument(format('p_orders, element %s, %s', v_bad.ord, v_bad.key), v_bad.type,
            CASE v_bad.expected WHEN 'text' THEN 'a string' ELSE 'a whole number within bigint' END);
    ELSIF v_bad.ord IS NOT NULL THEN
        PERFORM ortes.raise_bad_argument(format('p_orders, element %s', v_bad.ord), v_bad.type, 'a JSON object');
    END IF;
END
$check_elements$;

COMMENT ON FUNCTION ortes.check_elements(jsonb, jsonb) IS
'Refuses what is not an array of at most 10000 objects with the keys of p_keys, naming element and key. Raises OR007.';
