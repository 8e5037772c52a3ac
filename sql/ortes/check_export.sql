CREATE OR REPLACE FUNCTION ortes.check_export(
    p_azi text,
    p_tor_chias text [],
    p_confermas text [],
    p_autore_cods bigint [],
    p_datis jsonb [],
    p_id_pubs bigint [],
    p_if_sincros bigint []
)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $check_export$
-- What an export may not do, first element first. Called under the company's lock, after the
-- changes were tried: what else an order that stands there twice would be told is of no meaning.
DECLARE
    v_bad record;
BEGIN
    -- a: the order that is named by ID-PUB; k: the one that has the TOR-CHIA.
    WITH asked AS (
        SELECT o.*,
            count(*) OVER (PARTITION BY o.tor_chia) > 1
            AND (first_value(o.ord) OVER (PARTITION BY o.tor_chia, o.conferma, o.autore_cod, o.dati, o.id_pub, o.if_sincro ORDER BY o.ord)
                <> first_value(o.ord) OVER (PARTITION BY o.tor_chia ORDER BY o.ord)) AS twice
        FROM unnest(p_tor_chias, p_confermas, p_autore_cods, p_datis, p_id_pubs, p_if_sincros) WITH ORDINALITY
            AS o (tor_chia, conferma, autore_cod, dati, id_pub, if_sincro, ord)
    ),

    judged AS (
        SELECT q.ord, q.tor_chia, q.id_pub, q.if_sincro, a.tor_chia AS has, a.id_sincro, k.id_pub AS owner,
            CASE
                WHEN q.twice THEN 'twice'
                WHEN q.id_pub IS NULL AND q.if_sincro IS NOT NULL THEN 'if_sincro'
                WHEN q.id_pub IS NULL AND k.prov_tipo <> 'G' THEN 'taken'
                WHEN q.id_pub IS NULL AND k.id_pub IS NOT NULL AND NOT ortes.same_content(k, q.dati, q.conferma) THEN 'other'
                WHEN q.id_pub IS NULL THEN NULL
                WHEN a.id_pub IS NULL THEN 'unknown'
                WHEN k.id_pub <> a.id_pub THEN 'taken'
                WHEN a.tor_chia IS NULL THEN 'not acquired'
                WHEN a.tor_chia <> q.tor_chia THEN 'fixed'
                WHEN q.if_sincro <> a.id_sincro
                    AND ortes.export_changes(a, q.conferma, q.autore_cod, q.dati) THEN 'changed'
            END AS wrong
        FROM asked AS q
        LEFT JOIN ortes.arportes AS a ON a.azi = p_azi AND a.id_pub = q.id_pub
        LEFT JOIN ortes.arportes AS k ON k.azi = p_azi AND k.tor_chia = q.tor_chia
    )

    SELECT j.* INTO v_bad FROM judged AS j WHERE j.wrong IS NOT NULL ORDER BY j.wrong <> 'twice', j.ord LIMIT 1;

    CASE v_bad.wrong
        WHEN 'twice' THEN
            PERFORM ortes.raise_bad_argument(format('element %s, tor_chia', v_bad.ord), v_bad.tor_chia,
                'each order once a call, or repeated word for word');
        WHEN 'if_sincro' THEN
            PERFORM ortes.raise_bad_argument('if_sincro', v_bad.if_sincro::text, 'null where no id_pub is given');
        WHEN 'taken' THEN
            PERFORM ortes.raise_taken_tor_chia(p_azi, v_bad.tor_chia, v_bad.owner);
        WHEN 'other' THEN
            PERFORM ortes.raise_other_content(p_azi, v_bad.owner);
        WHEN 'unknown' THEN
            PERFORM ortes.raise_unknown_order(p_azi, v_bad.id_pub);
        WHEN 'not acquired' THEN
            PERFORM ortes.raise_not_allowed(p_azi, v_bad.id_pub, 'the ERP has not acquired it', 'Call acquire_order first.');
        WHEN 'fixed' THEN
            PERFORM ortes.raise_not_allowed(p_azi, v_bad.id_pub,
                format('it is acquired as TOR-CHIA %L, not %L', v_bad.has, v_bad.tor_chia), 'A TOR-CHIA is fixed once set.');
        WHEN 'changed' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'OR009',
                MESSAGE = 'the order changed meanwhile',
                DETAIL = format('Company %L, ID-PUB %s: ID-SINCRO is %s, not %s.',
                    p_azi, v_bad.id_pub, v_bad.id_sincro, v_bad.if_sincro),
                HINT = 'Look at the order as it is now, and export again with its ID-SINCRO.';
        ELSE NULL;
    END CASE;
END
$check_export$;

COMMENT ON FUNCTION ortes.check_export(text, text [], text [], bigint [], jsonb [], bigint [], bigint []) IS
'Refuses an export that names the wrong order, other content, or an ID-SINCRO that is no longer current. '
'Raises OR002, OR004, OR005, OR006, OR007, OR009.';
