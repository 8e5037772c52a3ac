CREATE OR REPLACE FUNCTION ortes_ops.set_audit(p_azi text, p_on boolean)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $set_audit$
BEGIN
    PERFORM ortes.set_switch(p_azi, 'audit', p_on);
END
$set_audit$;

COMMENT ON FUNCTION ortes_ops.set_audit(text, boolean) IS
'Switches on or off (p_on) that every change of the company''s orders is written to the history; off in a new company. '
'A repeat changes nothing. Raises OR001, OR007, 55P03.';
