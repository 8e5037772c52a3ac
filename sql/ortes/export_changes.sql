CREATE OR REPLACE FUNCTION ortes.export_changes(p_order ortes.arportes, p_conferma text, p_autore_cod bigint, p_dati jsonb)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $export_changes$
    -- A null leaves what is there, so it changes nothing.
    SELECT (p_conferma IS NOT NULL AND p_conferma IS DISTINCT FROM (p_order).conferma)
        OR (p_autore_cod IS NOT NULL AND p_autore_cod IS DISTINCT FROM (p_order).autore_cod)
        OR (p_dati IS NOT NULL AND p_dati IS DISTINCT FROM (p_order).dati)
$export_changes$;

COMMENT ON FUNCTION ortes.export_changes(ortes.arportes, text, bigint, jsonb) IS
'Whether a re-export with these values would change the order.';
