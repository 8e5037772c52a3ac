CREATE OR REPLACE FUNCTION ortes.find_order(p_azi text, p_prov_tipo text, p_prov_id integer, p_id_int bigint)
RETURNS SETOF ortes.arportes
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $find_order$
    -- By what a repeated save is recognised. Two halves, because an index finds neither
    -- IS NOT DISTINCT FROM nor an OR; the planner runs only the one that applies.
    SELECT a.* FROM ortes.arportes AS a
    WHERE a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id = p_prov_id AND a.id_int = p_id_int
    UNION ALL
    SELECT a.* FROM ortes.arportes AS a
    WHERE p_prov_id IS NULL
        AND a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id IS NULL AND a.id_int = p_id_int
$find_order$;

COMMENT ON FUNCTION ortes.find_order(text, text, integer, bigint) IS
'The order that a system made under its own id p_id_int, or no row. p_prov_id: the device or store, or null.';
