CREATE OR REPLACE FUNCTION ortes.position(p_azi text, p_prov_tipo text, p_prov_id integer)
RETURNS bigint
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $position$
    SELECT coalesce(max(r.id_sincro), 0)
    FROM (
        SELECT o.id_sincro FROM ortes.reader AS o
        WHERE o.azi = p_azi AND o.prov_tipo = p_prov_tipo AND o.prov_id = p_prov_id
        UNION ALL
        SELECT o.id_sincro FROM ortes.reader AS o
        WHERE p_prov_id IS NULL AND o.azi = p_azi AND o.prov_tipo = p_prov_tipo AND o.prov_id IS NULL
    ) AS r
$position$;

COMMENT ON FUNCTION ortes.position(text, text, integer) IS
'The ID-SINCRO that a reader confirmed last; 0 = none. A reader: S or A, and the store or device or null.';
