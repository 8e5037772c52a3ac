CREATE OR REPLACE FUNCTION ortes.raise_taken_tor_chia(p_azi text, p_tor_chia text, p_id_pub bigint)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_taken_tor_chia$
-- The one place that words OR005.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR005',
        MESSAGE = 'that TOR-CHIA belongs to another order',
        DETAIL = format('Company %L: TOR-CHIA %L is the order with ID-PUB %s.', p_azi, p_tor_chia, p_id_pub),
        HINT = 'To export that order again, name its ID-PUB (p_id_pub, id_pub in a batch).';
END
$raise_taken_tor_chia$;

COMMENT ON FUNCTION ortes.raise_taken_tor_chia(text, text, bigint) IS
'Refuses a TOR-CHIA that the order p_id_pub has. Raises OR005, always.';
