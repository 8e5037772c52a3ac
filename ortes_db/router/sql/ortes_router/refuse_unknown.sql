CREATE OR REPLACE FUNCTION ortes_router.refuse_unknown(p_azi text, p_device integer)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $refuse_unknown$
-- What a shard would say (ortes.check_caller), in the shard's own words: an ordinary login never
-- learns which companies exist.
BEGIN
    PERFORM ortes.check_azi(p_azi);
    IF NOT pg_has_role(session_user, 'ortes_ops', 'MEMBER') THEN
        PERFORM ortes.raise_not_granted(p_azi, p_device);
    END IF;
    PERFORM ortes.raise_unknown_company(p_azi);
END
$refuse_unknown$;

COMMENT ON FUNCTION ortes_router.refuse_unknown(text, integer) IS
'Refuses a company that the directory does not have. Raises OR007, OR003 or OR001, always.';
