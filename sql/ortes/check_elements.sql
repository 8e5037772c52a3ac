CREATE OR REPLACE FUNCTION ortes.check_elements(p_orders jsonb, p_keys jsonb)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_elements$
-- The shape of the array that a set-based door was sent; its values are the core's to check.
-- p_keys: what each key must hold: integer, text or any. A key set to null counts as absent.
-- A glance at each key, and one at the elements, tell whether something may be wrong; only then is it
-- looked for. For integers the glance is at their text: digits and nulls, none with more than 18.
DECLARE
    v_names CONSTANT text[] := ARRAY(SELECT jsonb_object_keys(p_keys));
    v_doubtful boolean := false;
    v_key record;
    v_bad record;
BEGIN
    IF p_orders IS NULL OR jsonb_typeof(p_orders) <> 'array' THEN
        PERFORM ortes.raise_bad_argument('p_orders', jsonb_typeof(p_orders), 'a JSON array of objects');
    END IF;
    IF jsonb_array_length(p_orders) > 10000 THEN
        PERFORM ortes.raise_bad_argument('p_orders', jsonb_array_length(p_orders) || ' elements', 'at most 10000 elements a call');
    END IF;

    FOR v_key IN SELECT k.key, k.value FROM jsonb_each_text(p_keys) AS k LOOP
        v_doubtful := v_doubtful OR CASE v_key.value
            WHEN 'integer' THEN jsonb_path_query_array(p_orders, format('$[*].%s', v_key.key)::jsonpath)::text
                !~ '^\[(\]|(([0-9]{1,18}|null)(, |\]))+)$'
            WHEN 'text' THEN jsonb_path_exists(p_orders, format(
                'strict $[*] ? (@.%1$s.type() != "string" && @.%1$s.type() != "null")', v_key.key)::jsonpath)
            ELSE false
        END;
    END LOOP;
    IF NOT v_doubtful AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(p_orders) AS e (value)
        WHERE CASE jsonb_typeof(e.value) WHEN 'object' THEN e.value - v_names <> '{}' ELSE true END
    ) THEN
        RETURN;
    END IF;

    SELECT e.ord, k.key, k.value, jsonb_typeof(e.value) AS type, p_keys ->> k.key AS expected INTO v_bad
    FROM jsonb_array_elements(p_orders) WITH ORDINALITY AS e (value, ord)
    LEFT JOIN LATERAL jsonb_each(CASE jsonb_typeof(e.value) WHEN 'object' THEN e.value END) AS k ON true
    WHERE jsonb_typeof(e.value) <> 'object'
        OR CASE
            WHEN k.key IS NULL OR p_keys ->> k.key = 'any' THEN false
            WHEN NOT p_keys ? k.key THEN true
            WHEN k.value = 'null' THEN false
            WHEN p_keys ->> k.key = 'text' THEN jsonb_typeof(k.value) <> 'string'
            WHEN jsonb_typeof(k.value) <> 'number' THEN true
            ELSE k.value::numeric <> trunc(k.value::numeric)
                OR k.value::numeric NOT BETWEEN -9223372036854775808 AND 9223372036854775807
        END
    ORDER BY e.ord
    LIMIT 1;

    IF NOT FOUND THEN
        RETURN;
    ELSIF v_bad.key IS NULL THEN
        PERFORM ortes.raise_bad_argument(format('p_orders, element %s', v_bad.ord), v_bad.type, 'a JSON object');
    ELSIF v_bad.expected IS NULL THEN
        PERFORM ortes.raise_bad_argument(format('p_orders, element %s, key %L', v_bad.ord, left(v_bad.key, 60)), 'not known',
            'only the keys ' || array_to_string(v_names, ', '));
    END IF;
    PERFORM ortes.raise_bad_argument(format('p_orders, element %s, %s', v_bad.ord, v_bad.key), v_bad.value::text,
        CASE v_bad.expected WHEN 'text' THEN 'a string' ELSE 'a whole number within bigint' END);
END
$check_elements$;

COMMENT ON FUNCTION ortes.check_elements(jsonb, jsonb) IS
'Refuses what is not an array of at most 10000 objects with the keys of p_keys, naming element and key. Raises OR007.';
