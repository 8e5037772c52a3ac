CREATE OR REPLACE FUNCTION ortes_erp.acquire_order(p_azi text, p_id_pub bigint, p_tor_chia text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $acquire_order$
-- The ERP has the order. Repeat it until it answers. What is right at first sight takes one statement;
-- everything else (repeats, mistakes) is acquire_orders' to judge.
DECLARE
    v_id_sincro bigint;
BEGIN
    PERFORM ortes.check_caller(p_azi);
    IF p_id_pub >= 1 AND length(p_tor_chia) BETWEEN 1 AND 200 THEN
        PERFORM ortes.lock_company(p_azi);
        UPDATE ortes.arportes AS a SET tor_chia = p_tor_chia, ack_gest = true
        WHERE a.azi = p_azi AND a.id_pub = p_id_pub AND a.tor_chia IS NULL
            AND NOT EXISTS (SELECT FROM ortes.arportes AS k WHERE k.azi = p_azi AND k.tor_chia = p_tor_chia)
        RETURNING a.id_sincro INTO v_id_sincro;
        IF FOUND THEN
            RETURN v_id_sincro;
        END IF;
    END IF;
    RETURN (SELECT q.id_sincro FROM ortes.acquire_orders(p_azi, ARRAY[p_id_pub], ARRAY[p_tor_chia]) AS q);
END
$acquire_order$;

COMMENT ON FUNCTION ortes_erp.acquire_order(text, bigint, text) IS
'The ERP has the order with ID-PUB p_id_pub under its key p_tor_chia (1 to 200 characters): sets TOR-CHIA and ACK-GEST and '
'returns the new ID-SINCRO. A repeat changes nothing and returns the current one. Raises OR001, OR002, OR003, '
'OR004 (acquired under another key), OR005 (that key is another order''s), OR007, 55P03.';
