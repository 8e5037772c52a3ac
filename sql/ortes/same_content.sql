CREATE OR REPLACE FUNCTION ortes.same_content(p_order ortes.arportes, p_dati jsonb, p_conferma text)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $same_content$
    SELECT CASE
        WHEN (p_order).dati_digest IS NOT NULL
            THEN (p_order).dati_digest = ortes.content_digest((p_order).prov_tipo, p_dati, p_conferma)
        ELSE ortes.still_same_content(p_order, p_dati, p_conferma)
    END
$same_content$;

COMMENT ON FUNCTION ortes.same_content(ortes.arportes, jsonb, text) IS
'Whether this is the content with which the order was first saved, whatever the ERP has made of it since.';
