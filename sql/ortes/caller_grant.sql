CREATE OR REPLACE FUNCTION ortes.caller_grant(p_azi text, p_device integer)
RETURNS SETOF ortes.access
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $caller_grant$
    -- Asks for session_user, which neither SET ROLE nor a definer function changes. Two buffers, however many
    -- grants there are: the first condition is the hash index's, and the others are worded so that no other
    -- serves. SQL, so that it becomes part of the query that asks.
    SELECT a.* FROM ortes.access AS a
    WHERE a.login || E'\n' || a.azi = session_user || E'\n' || p_azi
        AND a.login = session_user AND a.azi = p_azi AND coalesce(a.device, p_device) IS NOT DISTINCT FROM p_device
    LIMIT 1
$caller_grant$;

COMMENT ON FUNCTION ortes.caller_grant(text, integer) IS
'The grant by which the session''s login may act for company p_azi, and as device p_device (null: as store or ERP); '
'no row where it has none.';
