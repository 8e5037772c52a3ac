CREATE OR REPLACE FUNCTION ortes.save_elements(
    p_azi text,
    p_prov_tipo text,
    p_prov_id integer,
    p_autore_tipo text,
    p_orders jsonb
)
RETURNS TABLE (id_int bigint, id_pub bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $save_elements$
-- Behind save_orders of store and app: from JSON to what save_orders takes.
DECLARE
    v_id_ints bigint[];
    v_autore_cods bigint[];
    v_datis jsonb[];
BEGIN
    PERFORM ortes.check_elements(p_orders, '{"id_int": "integer", "autore_cod": "integer", "dati": "any"}');
    -- Numeric, because a whole number may be written 1.0. The elements come in their order.
    SELECT coalesce(array_agg(e.id_int::bigint), '{}'), coalesce(array_agg(coalesce(e.autore_cod, 0)::bigint), '{}'),
        coalesce(array_agg(nullif(e.dati, 'null')), '{}')
    INTO v_id_ints, v_autore_cods, v_datis
    FROM jsonb_to_recordset(p_orders) AS e (id_int numeric, autore_cod numeric, dati jsonb);
    RETURN QUERY
    SELECT s.* FROM ortes.save_orders(p_azi, p_prov_tipo, p_prov_id, p_autore_tipo, v_id_ints, v_autore_cods, v_datis) AS s;
END
$save_elements$;

COMMENT ON FUNCTION ortes.save_elements(text, text, integer, text, jsonb) IS
'Saves an array of {id_int, autore_cod, dati} of one origin; one row an element, in their order. Raises OR006, OR007, 55P03.';
