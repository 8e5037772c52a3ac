CREATE OR REPLACE FUNCTION ortes.raise_bad_insert(p_order ortes.arportes)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_bad_insert$
-- Says what arportes_insert found.
BEGIN
    IF p_order.id_pub IS NOT NULL OR p_order.id_sincro <> 0 OR p_order.dati_digest IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR004',
            MESSAGE = 'the hub gives out ID-PUB and ID-SINCRO itself',
            DETAIL = format('Company %L: ID-PUB %s, ID-SINCRO %s, a digest %s.', p_order.azi,
                coalesce(p_order.id_pub::text, 'not given'), p_order.id_sincro,
                CASE WHEN p_order.dati_digest IS NULL THEN 'not given' ELSE 'given' END),
            HINT = 'Leave id_pub, id_sincro and dati_digest out of the INSERT.';
    END IF;
    PERFORM ortes.raise_bad_argument('the row', format('prov_tipo %s, prov_id %s, id_int %s, tor_chia %s, autore_cod %s',
        p_order.prov_tipo, p_order.prov_id, p_order.id_int, p_order.tor_chia, p_order.autore_cod),
        'prov_tipo S with id_int, A with prov_id and id_int, or G with tor_chia and neither; autore_cod from 0');
END
$raise_bad_insert$;

COMMENT ON FUNCTION ortes.raise_bad_insert(ortes.arportes) IS
'Refuses an order that came with numbers of its own, or that no system can have made. Raises OR004, OR007, always.';
