CREATE OR REPLACE FUNCTION ortes.position(p_azi text, p_prov_tipo text, p_prov_id integer)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $position$
-- Two queries, because no index finds IS NOT DISTINCT FROM.
BEGIN
    IF p_prov_id IS NULL THEN
        RETURN coalesce((
            SELECT r.id_sincro FROM ortes.reader AS r
            WHERE r.azi = p_azi AND r.prov_tipo = p_prov_tipo AND r.prov_id IS NULL
        ), 0);
    END IF;
    RETURN coalesce((
        SELECT r.id_sincro FROM ortes.reader AS r
        WHERE r.azi = p_azi AND r.prov_tipo = p_prov_tipo AND r.prov_id = p_prov_id
    ), 0);
END
$position$;

COMMENT ON FUNCTION ortes.position(text, text, integer) IS
'The ID-SINCRO that a reader confirmed last; 0 = none. A reader: S or A, and the store or device or null.';
