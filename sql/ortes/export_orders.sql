CREATE OR REPLACE FUNCTION ortes.export_orders(
    p_azi text,
    p_tor_chias text [],
    p_confermas text [],
    p_autore_cods bigint [],
    p_datis jsonb [],
    p_id_pubs bigint [],
    p_if_sincros bigint []
)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $export_orders$
-- Behind export_order and export_orders of the ERP. Locks the company first. With an ID-PUB: the
-- order again, where that changes something. Without: a new order, unless this TOR-CHIA was
-- exported before as one. Where every element was a change, the UPDATE's own answer is the answer;
-- else check_export says which may not be, and takes all of it back.
#variable_conflict use_column
DECLARE
    v_id_pubs bigint[];
    v_id_sincros bigint[];
BEGIN
    PERFORM ortes.check_texts('tor_chia', p_tor_chias);
    PERFORM ortes.check_texts('conferma', array_replace(p_confermas, NULL, 'none'));
    PERFORM ortes.check_numbers('autore_cod', array_replace(p_autore_cods, NULL, 0), 0);
    PERFORM ortes.check_numbers('id_pub', array_replace(p_id_pubs, NULL, 1), 1);
    PERFORM ortes.check_numbers('if_sincro', array_replace(p_if_sincros, NULL, 0), 0);
    PERFORM ortes.check_datis(p_datis);
    PERFORM ortes.lock_company(p_azi);

    WITH exported AS (
        UPDATE ortes.arportes AS a
        SET conferma = coalesce(o.conferma, a.conferma),
            dati = coalesce(o.dati, a.dati),
            autore_cod = coalesce(o.autore_cod, a.autore_cod)
        FROM unnest(p_tor_chias, p_confermas, p_autore_cods, p_datis, p_id_pubs, p_if_sincros) WITH ORDINALITY
            AS o (tor_chia, conferma, autore_cod, dati, id_pub, if_sincro, ord)
        WHERE a.azi = p_azi AND a.id_pub = o.id_pub AND a.tor_chia = o.tor_chia
            AND ortes.export_changes(a, o.conferma, o.autore_cod, o.dati)
            AND (o.if_sincro IS NULL OR o.if_sincro = a.id_sincro)
        RETURNING o.ord, a.id_pub, a.id_sincro
    )

    SELECT array_agg(e.id_pub), array_agg(e.id_sincro) INTO v_id_pubs, v_id_sincros
    FROM (SELECT r.* FROM exported AS r ORDER BY r.ord) AS e;

    IF cardinality(v_id_pubs) = cardinality(p_tor_chias) THEN
        RETURN QUERY SELECT * FROM unnest(v_id_pubs, v_id_sincros);
        RETURN;
    END IF;
    PERFORM ortes.check_export(p_azi, p_tor_chias, p_confermas, p_autore_cods, p_datis, p_id_pubs, p_if_sincros);

    INSERT INTO ortes.arportes (azi, tor_chia, conferma, prov_tipo, autore_tipo, autore_cod, dati)
    SELECT p_azi, o.tor_chia, o.conferma, 'G', 'O', coalesce(o.autore_cod, 0), o.dati
    FROM (
        SELECT DISTINCT ON (u.tor_chia) u.*
        FROM unnest(p_tor_chias, p_confermas, p_autore_cods, p_datis, p_id_pubs) WITH ORDINALITY
            AS u (tor_chia, conferma, autore_cod, dati, id_pub, ord)
        WHERE u.id_pub IS NULL
        ORDER BY u.tor_chia, u.ord
    ) AS o
    WHERE NOT EXISTS (SELECT FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.tor_chia = o.tor_chia)
    ORDER BY o.ord;

    RETURN QUERY
    SELECT a.id_pub, a.id_sincro
    FROM unnest(p_tor_chias) WITH ORDINALITY AS o (tor_chia, ord)
    INNER JOIN ortes.arportes AS a ON a.azi = p_azi AND a.tor_chia = o.tor_chia
    ORDER BY o.ord;
END
$export_orders$;

COMMENT ON FUNCTION ortes.export_orders(text, text [], text [], bigint [], jsonb [], bigint [], bigint []) IS
'The ERP exports orders, new ones (no ID-PUB) or again; the arrays run in parallel, and a null leaves what is there. '
'One row an element, in their order. All or nothing. Raises OR002, OR004, OR005, OR006, OR007, OR009, 55P03.';
