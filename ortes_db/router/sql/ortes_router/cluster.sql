CREATE OR REPLACE FUNCTION ortes_router.cluster()
RETURNS text
LANGUAGE sql
STABLE
PARALLEL UNSAFE
AS $cluster$
    -- Who is logged in, which neither SET ROLE nor a definer function changes. PL/Proxy keeps
    -- connections by this name, so none is ever used for another login.
    SELECT 'ortes ' || session_user::text
$cluster$;

COMMENT ON FUNCTION ortes_router.cluster() IS 'PL/Proxy''s name for the connections of the session''s login.';
