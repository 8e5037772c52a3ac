CREATE OR REPLACE FUNCTION ortes.check_caller(p_azi text, p_device integer = NULL)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $check_caller$
-- Called first by every door, but where reading_from asks. Without a grant, an existing company
-- and an invented one get the same answer.
BEGIN
    PERFORM FROM ortes.caller_grant(p_azi, p_device);
    IF FOUND THEN
        RETURN;
    END IF;
    PERFORM ortes.check_azi(p_azi);
    IF NOT pg_has_role(session_user, 'ortes_ops', 'MEMBER') THEN
        PERFORM ortes.raise_not_granted(p_azi, p_device);
    END IF;
    PERFORM ortes.check_company(p_azi);
END
$check_caller$;

COMMENT ON FUNCTION ortes.check_caller(text, integer) IS
'Passes when the session''s login may act for company p_azi (and, if given, as device p_device). Raises OR007, OR003, OR001.';
