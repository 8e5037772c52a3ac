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
-- like every writer. Once the order is acquired, a late repeat must not undo an export.
DECLARE
    v_order record;
BEGIN
    PERFORM ortes.check_caller(p_azi);
    IF (p_id_pub >= 1 AND p_autore_cod >= 0) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_id_pub', ARRAY[p_id_pub], 1);
        PERFORM ortes.check_numbers('p_autore_cod', ARRAY[p_autore_cod], 0);
    END IF;
    PERFORM ortes.lock_company(p_azi);
    SELECT a.autore_cod, a.ack_gest INTO v_order
    FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
    IF NOT FOUND THEN
        PERFORM ortes.raise_unknown_order(p_azi, p_id_pub);
    ELSIF v_order.autore_cod = p_autore_cod THEN
        RETURN;
    ELSIF v_order.ack_gest THEN
        PERFORM ortes.raise_not_allowed(p_azi, p_id_pub, 'the ERP has it already, with another author',
            'Change the author with export_order and p_autore_cod.');
    END IF;
    UPDATE ortes.arportes AS a SET autore_cod = p_autore_cod WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
END
$create_order$;

COMMENT ON FUNCTION ortes_erp.create_order(text, bigint, bigint) IS
'Writes the author''s code (p_autore_cod) of the order with ID-PUB p_id_pub while the ERP creates it; ID-SINCRO stays. '
'A repeat writes nothing. Raises OR001, OR002, OR003, OR004 (acquired with another author), OR007, 55P03.';
