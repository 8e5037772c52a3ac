CREATE OR REPLACE FUNCTION ortes.raise_gap(p_azi text, p_drawn bigint, p_inserted bigint)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_gap$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'this statement would leave gaps in the public ids',
        DETAIL = format('Company %L: it drew %s numbers and inserted %s rows.', p_azi, p_drawn, p_inserted),
        HINT = 'Insert without ON CONFLICT, or use the doors: they recognise an order that is already here.';
END
$raise_gap$;

COMMENT ON FUNCTION ortes.raise_gap(text, bigint, bigint) IS
'Refuses a statement that drew p_drawn public ids and inserted p_inserted orders. Raises OR004, always.';
