CREATE OR REPLACE FUNCTION ortes_ops.set_notify(p_azi text, p_on boolean)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $set_notify$
-- Switching on notifies too: for the numbers that this transaction itself drew before, and so that
-- who listens knows.
BEGIN
    IF ortes.set_switch(p_azi, 'notify', p_on) AND p_on THEN
        PERFORM pg_notify('ortes', p_azi);
    END IF;
END
$set_notify$;

COMMENT ON FUNCTION ortes_ops.set_notify(text, boolean) IS
'Switches on or off (p_on) that each transaction which draws a number of the company (a new order, a change by the ERP) sends one '
'notification when it commits: channel ortes, payload p_azi. Off in a new company. A repeat changes nothing. '
'Raises OR001, OR007, 55P03.';
