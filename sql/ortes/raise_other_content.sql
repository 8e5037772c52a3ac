CREATE OR REPLACE FUNCTION ortes.raise_other_content(p_azi text, p_id_pub bigint)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $raise_other_content$
-- The one place that words OR006. The content itself stays out of messages and logs.
DECLARE
    v_order record;
BEGIN
    SELECT a.prov_tipo, a.prov_id, a.id_int, a.tor_chia INTO v_order
    FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
    RAISE EXCEPTION USING
        ERRCODE = 'OR006',
        MESSAGE = 'same order, other content',
        DETAIL = format('Company %L, origin %s%s, %s was first saved with other content, as ID-PUB %s.',
            p_azi, v_order.prov_tipo, ' ' || v_order.prov_id,
            coalesce('id_int ' || v_order.id_int, format('TOR-CHIA %L', v_order.tor_chia)), p_id_pub),
        HINT = 'A repeat must send what was sent first; another order needs another id of its own; '
            'the ERP changes an order with export_order and its p_id_pub.';
END
$raise_other_content$;

COMMENT ON FUNCTION ortes.raise_other_content(text, bigint) IS
'Refuses a repeat whose content differs from what was first saved. Raises OR006, always.';
