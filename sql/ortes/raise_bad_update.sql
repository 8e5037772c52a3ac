CREATE OR REPLACE FUNCTION ortes.raise_bad_update(p_old ortes.arportes, p_new ortes.arportes)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $raise_bad_update$
-- Names the columns that arportes_fixed or arportes_update found changed.
DECLARE
    v_columns text;
BEGIN
    SELECT string_agg(o.key, ', ') INTO v_columns
    FROM jsonb_each_text(to_jsonb(p_old) - ARRAY['conferma', 'autore_cod', 'dati', 'updated_at']) AS o
    INNER JOIN jsonb_each_text(to_jsonb(p_new)) AS n ON o.key = n.key
    WHERE o.value IS DISTINCT FROM n.value AND NOT (o.key LIKE 'ack%' AND n.value IS NOT DISTINCT FROM 'true')
        AND NOT (o.key = 'tor_chia' AND o.value IS NULL);
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'not allowed on this order',
        DETAIL = format('Company %L, ID-PUB %s: %s may not change so.', p_old.azi, p_old.id_pub, v_columns),
        HINT = 'These columns are fixed once set, flags only go from false to true, and the hub gives out ID-SINCRO.';
END
$raise_bad_update$;

COMMENT ON FUNCTION ortes.raise_bad_update(ortes.arportes, ortes.arportes) IS
'Refuses a change of what is fixed for life, naming the columns. Raises OR004, always.';
