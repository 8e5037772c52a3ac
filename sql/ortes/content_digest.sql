CREATE OR REPLACE FUNCTION ortes.content_digest(p_prov_tipo text, p_dati jsonb, p_conferma text)
RETURNS bytea
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $content_digest$
    -- The ERP's first export brings a confirmation; with the others' orders it comes later. (STABLE, as
    -- convert_to and concat are: only so is it put in its caller's place.)
    SELECT sha256(convert_to(concat(p_dati::text, CASE p_prov_tipo WHEN 'G' THEN E'\n' || p_conferma END), 'UTF8'))
$content_digest$;

COMMENT ON FUNCTION ortes.content_digest(text, jsonb, text) IS
'SHA-256 of an order''s content as its origin (p_prov_tipo) saves it.';
