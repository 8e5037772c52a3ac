CREATE OR REPLACE FUNCTION ortes.is_too_large(p_dati jsonb)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $is_too_large$
    -- As text, which is how it leaves the hub: in jsonb, 1e100000 is a few bytes. In 128 of them there
    -- is no room for as many such numbers as would be needed.
    SELECT pg_column_size(p_dati) > 128 AND octet_length(p_dati::text) > 1048576
$is_too_large$;

COMMENT ON FUNCTION ortes.is_too_large(jsonb) IS
'Whether an order''s content is over the limit: 1 MB (1048576 bytes) as the text that the hub gives back.';
