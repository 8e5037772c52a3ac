CREATE OR REPLACE FUNCTION ortes.raise_not_allowed(p_azi text, p_id_pub bigint, p_why text, p_hint text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_not_allowed$
-- The doors' OR004; the triggers word their own.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'not allowed on this order',
        DETAIL = format('Company %L, ID-PUB %s: %s.', p_azi, p_id_pub, p_why),
        HINT = p_hint;
END
$raise_not_allowed$;

COMMENT ON FUNCTION ortes.raise_not_allowed(text, bigint, text, text) IS
'Refuses what the order''s state does not allow. p_why: the state; p_hint: what to do. Raises OR004, always.';
