CREATE OR REPLACE FUNCTION ortes_router.company_at(p_part integer, p_azi text)
RETURNS SETOF text
LANGUAGE plproxy
VOLATILE
AS $company_at$
    CLUSTER ortes_router.cluster();
    RUN ON ortes_router.open_part(p_part);
    SELECT c.azi FROM ortes_ops.counters AS c WHERE c.azi = p_azi AND c.contatore = 'ID-PUB';
$company_at$;

COMMENT ON FUNCTION ortes_router.company_at(integer, text) IS 'The company p_azi, if the shard with the number p_part has it.';
