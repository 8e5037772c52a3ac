CREATE OR REPLACE FUNCTION ortes.reading_from(p_azi text, p_prov_tipo text, p_prov_id integer, p_since bigint, p_limit integer)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $reading_from$
-- Called first by changes of store and app. Stable: counter and rows are of one snapshot.
DECLARE
    v_since CONSTANT bigint := coalesce(p_since, ortes.position(p_azi, p_prov_tipo, p_prov_id));
BEGIN
    PERFORM ortes.check_limit(p_limit);
    RETURN nullif(v_since, ortes.check_position(p_azi, 'p_since', v_since));
END
$reading_from$;

COMMENT ON FUNCTION ortes.reading_from(text, text, integer, bigint, integer) IS
'The ID-SINCRO after which a reader (p_prov_tipo S or A, p_prov_id) reads on: p_since, or where that is null what it confirmed '
'last; null: there is nothing after it. Raises OR007, OR008.';
