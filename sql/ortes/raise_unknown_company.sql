CREATE OR REPLACE FUNCTION ortes.raise_unknown_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_unknown_company$
-- The one place that words OR001.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR001',
        MESSAGE = 'unknown company',
        DETAIL = format('There is no company %L.', p_azi),
        HINT = 'A DBA creates it, with ortes_ops.create_company.';
END
$raise_unknown_company$;

COMMENT ON FUNCTION ortes.raise_unknown_company(text) IS 'Refuses a company that is not here. Raises OR001, always.';
