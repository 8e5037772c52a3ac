CREATE OR REPLACE FUNCTION ortes.raise_unknown_order(p_azi text, p_id_pub bigint)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_unknown_order$
-- The one place that words OR002.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR002',
        MESSAGE = 'unknown order',
        DETAIL = format('Company %L has no order with ID-PUB %s.', p_azi, p_id_pub),
        HINT = 'Use the ID-PUB that the hub returned when the order was saved or exported.';
END
$raise_unknown_order$;

COMMENT ON FUNCTION ortes.raise_unknown_order(text, bigint) IS
'Refuses an ID-PUB that the company does not have. Raises OR002, always.';
