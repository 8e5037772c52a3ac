CREATE OR REPLACE FUNCTION ortes.raise_bad_argument(p_argument text, p_value text, p_expected text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_bad_argument$
-- The one place that words OR007. A long value is cut: it goes to logs.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR007',
        MESSAGE = 'bad argument',
        DETAIL = format('%s is %s.', p_argument, coalesce(quote_literal(left(p_value, 60)), 'null')),
        HINT = format('Expected: %s.', p_expected);
END
$raise_bad_argument$;

COMMENT ON FUNCTION ortes.raise_bad_argument(text, text, text) IS
'Refuses an argument. p_argument: its name; p_value: what was given; p_expected: what would be right. Raises OR007, always.';
