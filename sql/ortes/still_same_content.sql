CREATE OR REPLACE FUNCTION ortes.still_same_content(p_order ortes.arportes, p_dati jsonb, p_conferma text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $still_same_content$
    -- What the ERP confirms is part of the content of its own orders alone.
    SELECT (p_order).dati IS NOT DISTINCT FROM p_dati
        AND ((p_order).prov_tipo <> 'G' OR (p_order).conferma IS NOT DISTINCT FROM p_conferma)
$still_same_content$;

COMMENT ON FUNCTION ortes.still_same_content(ortes.arportes, jsonb, text) IS
'Whether this is the content that the order has now.';
