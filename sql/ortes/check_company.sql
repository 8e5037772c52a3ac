CREATE OR REPLACE FUNCTION ortes.check_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $check_company$
-- For callers who may act for every company; the others never learn which exist.
BEGIN
    PERFORM ortes.check_azi(p_azi);
    IF NOT EXISTS (SELECT FROM ortes.company AS c WHERE c.azi = p_azi) THEN
        PERFORM ortes.raise_unknown_company(p_azi);
    END IF;
END
$check_company$;

COMMENT ON FUNCTION ortes.check_company(text) IS 'Passes when the company p_azi exists. Raises OR001, OR007.';
