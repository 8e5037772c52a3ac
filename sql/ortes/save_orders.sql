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
-- Behind save_orders of store and app; save_order does the same for one. Locks the company before
-- it looks for what is here already: looked for earlier, the order of a call still under way is
-- missed. Most often nothing is here between the least and the greatest id, and one look tells;
-- then the INSERT's own answer is the answer.
#variable_conflict use_column
DECLARE
    v_id_ints bigint[] := p_id_ints;
    v_autore_cods bigint[] := p_autore_cods;
    v_datis jsonb[] := p_datis;
    v_id_pubs bigint[];
    v_first bigint;
    v_last bigint;
    v_again boolean;
    v_other bigint;
BEGIN
    PERFORM ortes.check_numbers('id_int', p_id_ints, 1);
    PERFORM ortes.check_numbers('autore_cod', p_autore_cods, 0);
    PERFORM ortes.check_datis(p_datis);
    PERFORM ortes.lock_company(p_azi);

    SELECT min(u.id_int), max(u.id_int), count(DISTINCT u.id_int) < count(*) INTO v_first, v_last, v_again
    FROM unnest(p_id_ints) AS u (id_int);
    IF NOT v_again THEN
        PERFORM FROM ortes.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND (a.prov_id = p_prov_id OR p_prov_id IS NULL AND a.prov_id IS NULL)
            AND a.id_int BETWEEN v_first AND v_last
        LIMIT 1;
        v_again := found;
    END IF;
    IF v_again THEN
        SELECT array_agg(o.id_int ORDER BY o.ord), array_agg(o.autore_cod ORDER BY o.ord), array_agg(o.dati ORDER BY o.ord)
        INTO v_id_ints, v_autore_cods, v_datis
        FROM (
            SELECT DISTINCT ON (u.id_int) u.*
            FROM unnest(p_id_ints, p_autore_cods, p_datis) WITH ORDINALITY AS u (id_int, autore_cod, dati, ord)
            WHERE NOT EXISTS (SELECT FROM ortes.find_order(p_azi, p_prov_tipo, p_prov_id, u.id_int))
            ORDER BY u.id_int, u.ord
        ) AS o;
    END IF;

    WITH saved AS (
        INSERT INTO ortes.arportes (azi, prov_tipo, prov_id, id_int, autore_tipo, autore_cod, dati)
        SELECT p_azi, p_prov_tipo, p_prov_id, o.id_int, p_autore_tipo, o.autore_cod, o.dati
        FROM unnest(v_id_ints, v_autore_cods, v_datis) AS o (id_int, autore_cod, dati)
        RETURNING id_pub
    )

    SELECT array_agg(s.id_pub) INTO v_id_pubs FROM saved AS s;

    IF NOT v_again THEN
        RETURN QUERY SELECT * FROM unnest(p_id_ints, v_id_pubs);
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
