CREATE OR REPLACE FUNCTION ortes_router.quoted_option(p_name text, p_value text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $quoted_option$
    SELECT p_name || '=''' || replace(replace(p_value, '\', '\\'), '''', '\''') || ''''
$quoted_option$;

COMMENT ON FUNCTION ortes_router.quoted_option(text, text) IS 'One option of a libpq connection string, whatever is in its value.';
