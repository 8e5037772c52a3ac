CREATE OR REPLACE FUNCTION ortes.save_orders(
    p_azi text,
    p_prov_tipo text,
    p_prov_id integer,
    p_autore_tipo text,
    p_id_ints bigint [],
    p_autore_cods bigint [],
    p_datis jsonb []
)
RETURNS TABLE (id_int bigint, id_pub bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $save_orders$
-- Behind save_order and save_orders of store and app. Locks the company before it looks for
-- what is here already: looked for earlier, the order of a call still under way is missed.
-- Where everything was new, the INSERT's own answer is the answer.
#variable_conflict use_column
DECLARE
    v_id_ints bigint[];
    v_id_pubs bigint[];
    v_other bigint;
BEGIN
    PERFORM ortes.check_numbers('id_int', p_id_ints, 1);
    PERFORM ortes.check_numbers('autore_cod', p_autore_cods, 0);
    PERFORM ortes.check_datis(p_datis);
    PERFORM ortes.lock_company(p_azi);

    WITH saved AS (
        INSERT INTO ortes.arportes (azi, prov_tipo, prov_id, id_int, autore_tipo, autore_cod, dati)
        SELECT p_azi, p_prov_tipo, p_prov_id, o.id_int, p_autore_tipo, o.autore_cod, o.dati
        FROM (
            SELECT DISTINCT ON (u.id_int) u.*
            FROM unnest(p_id_ints, p_autore_cods, p_datis) WITH ORDINALITY AS u (id_int, autore_cod, dati, ord)
            ORDER BY u.id_int, u.ord
        ) AS o
        WHERE NOT EXISTS (SELECT FROM ortes.find_order(p_azi, p_prov_tipo, p_prov_id, o.id_int))
        ORDER BY o.ord
        RETURNING id_int, id_pub
    )

    SELECT array_agg(s.id_int), array_agg(s.id_pub) INTO v_id_ints, v_id_pubs FROM saved AS s;

    IF cardinality(v_id_pubs) = cardinality(p_id_ints) THEN
        RETURN QUERY SELECT * FROM unnest(v_id_ints, v_id_pubs);
        RETURN;
    END IF;
    SELECT a.id_pub INTO v_other
    FROM unnest(p_id_ints, p_datis) AS o (id_int, dati)
    CROSS JOIN LATERAL ortes.find_order(p_azi, p_prov_tipo, p_prov_id, o.id_int) AS a
    WHERE NOT ortes.same_content(a, o.dati, NULL)
    LIMIT 1;
    IF FOUND THEN
        PERFORM ortes.raise_other_content(p_azi, v_other);
    END IF;
    RETURN QUERY
    SELECT o.id_int, a.id_pub
    FROM unnest(p_id_ints) WITH ORDINALITY AS o (id_int, ord)
    CROSS JOIN LATERAL ortes.find_order(p_azi, p_prov_tipo, p_prov_id, o.id_int) AS a
    ORDER BY o.ord;
END
$save_orders$;

COMMENT ON FUNCTION ortes.save_orders(text, text, integer, text, bigint [], bigint [], jsonb []) IS
'Saves orders of one origin, or finds them saved before; the arrays run in parallel. One row an element, in their order. '
'All or nothing. Raises OR006, OR007, 55P03.';
