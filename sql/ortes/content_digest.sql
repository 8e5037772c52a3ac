CREATE OR REPLACE FUNCTION ortes.content_digest(p_dati jsonb, p_conferma text)
RETURNS bytea
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN sha256(convert_to(concat(p_dati::text, E'\n', p_conferma), 'UTF8'));

COMMENT ON FUNCTION ortes.content_digest(jsonb, text) IS
'SHA-256 of an order''s content, by which a repeated save or export is told from another one.';
