CREATE OR REPLACE FUNCTION ortes.raise_not_granted(p_azi text, p_device integer)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $raise_not_granted$
-- The one place that words OR003.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR003',
        MESSAGE = 'this login may not act for that company or device',
        DETAIL = format('Login %L, company %L%s.', session_user, p_azi, ', device ' || p_device),
        HINT = 'A DBA can let it, with ortes_ops.grant_access.';
END
$raise_not_granted$;

COMMENT ON FUNCTION ortes.raise_not_granted(text, integer) IS
'Refuses a login that may not act for company p_azi (and, if given, device p_device). Raises OR003, always.';
