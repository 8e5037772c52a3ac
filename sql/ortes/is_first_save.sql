CREATE OR REPLACE FUNCTION ortes.is_first_save(
    p_azi text,
    p_prov_tipo text,
    p_prov_id integer,
    p_id_int bigint,
    p_dati jsonb
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $is_first_save$
-- For arportes_insert alone: its statement has the table already (see lock_company). Locks the
-- company before it looks for what is here: looked for earlier, the order of a call still under way is
-- missed. Volatile: its queries see what was committed after the INSERT began. The lock is in a condition that is
-- needed anyway, and the answer in a constant: each expression is set up anew in every transaction, these before the wait.
DECLARE
    v_first CONSTANT boolean := true;
    v_order ortes.arportes;
    v_none text;
BEGIN
    -- Two queries for what find_order says in one: a call for one order feels the difference.
    IF (CASE WHEN ortes.try_lock_company(p_azi) OR ortes.wait_for_company(p_azi) = '' THEN p_prov_id IS NULL END) THEN
        SELECT a.* INTO v_order FROM ortes.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id IS NULL AND a.id_int = p_id_int;
    ELSE
        SELECT a.* INTO v_order FROM ortes.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id = p_prov_id AND a.id_int = p_id_int;
    END IF;
    IF NOT FOUND THEN
        RETURN v_first;
    END IF;
    IF NOT ortes.same_content(v_order, p_dati, NULL) THEN
        PERFORM ortes.raise_other_content(p_azi, v_order.id_pub);
    END IF;
    v_none := set_config('ortes.repeated', v_order.id_pub::text, true);
    RETURN false;
END
$is_first_save$;

COMMENT ON FUNCTION ortes.is_first_save(text, text, integer, bigint, jsonb) IS
'Reserves the company for this transaction, then tells whether the order that a store or device sends is new; the ID-PUB of one that '
'is not goes into the setting ortes.repeated. Raises OR006, 55P03.';
