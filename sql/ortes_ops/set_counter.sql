CREATE OR REPLACE FUNCTION ortes_ops.set_counter(p_azi text, p_contatore text, p_valore bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $set_counter$
-- For adopting an archive that has numbers already, and after a restore. Locks the company first;
-- that a counter never goes back, its trigger says.
DECLARE
    v_valore bigint;
BEGIN
    PERFORM ortes.check_company(p_azi);
    IF p_contatore IS NULL OR p_contatore NOT IN ('ID-PUB', 'ID-SINCRO') THEN
        PERFORM ortes.raise_bad_argument('p_contatore', p_contatore, 'ID-PUB or ID-SINCRO');
    END IF;
    IF (p_valore BETWEEN 0 AND 1000000000000000000) IS NOT TRUE THEN
        PERFORM ortes.raise_bad_argument('p_valore', p_valore::text, 'a number from 0 to 10^18, which leaves room to go on');
    END IF;
    PERFORM ortes.lock_company(p_azi);
    UPDATE ortes.apstatosyn AS s SET valore = p_valore
    WHERE s.azi = p_azi AND s.contatore = p_contatore
    RETURNING s.valore INTO v_valore;
    RETURN v_valore;
END
$set_counter$;

COMMENT ON FUNCTION ortes_ops.set_counter(text, text, bigint) IS
'Moves counter p_contatore (ID-PUB or ID-SINCRO) forward, so that the next number is p_valore + 1; returns the counter. '
'Raises OR001, OR004 (it would go back), OR007, 55P03.';
