CREATE OR REPLACE FUNCTION ortes_erp.create_order(p_azi text, p_id_pub bigint, p_autore_cod bigint)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $create_order$
-- The ERP is creating the order in AREA and knows its author by now. Locks the company first,
-- like every writer. Once the order is acquired, a late repeat must not undo an export. A repeat
-- and a mistake look a second time.
DECLARE
    v_autore_cod bigint;
BEGIN
    PERFORM ortes.check_caller(p_azi);
    IF (p_id_pub >= 1 AND p_autore_cod >= 0) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_id_pub', ARRAY[p_id_pub], 1);
        PERFORM ortes.check_numbers('p_autore_cod', ARRAY[p_autore_cod], 0);
    END IF;
    PERFORM ortes.lock_company(p_azi);
    UPDATE ortes.arportes AS a SET autore_cod = p_autore_cod
    WHERE a.azi = p_azi AND a.id_pub = p_id_pub AND a.autore_cod <> p_autore_cod AND NOT a.ack_gest;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT a.autore_cod INTO v_autore_cod
    FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
    IF NOT FOUND THEN
        PERFORM ortes.raise_unknown_order(p_azi, p_id_pub);
    ELSIF v_autore_cod <> p_autore_cod THEN
        PERFORM ortes.raise_not_allowed(p_azi, p_id_pub, 'the ERP has it already, with another author',
            'Change the author with export_order and p_autore_cod.');
    END IF;
END
$create_order$;

COMMENT ON FUNCTION ortes_erp.create_order(text, bigint, bigint) IS
'Writes the author''s code (p_autore_cod) of the order with ID-PUB p_id_pub while the ERP creates it; ID-SINCRO stays. '
'A repeat writes nothing. Raises OR001, OR002, OR003, OR004 (acquired with another author), OR007, 55P03.';
