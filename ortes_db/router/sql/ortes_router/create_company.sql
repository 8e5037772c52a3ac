CREATE OR REPLACE FUNCTION ortes_router.create_company(p_azi text, p_shard text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $create_company$
-- First the directory, then the shard, which commits on its own. Ended between the two (or rolled
-- back here), a shard has an empty company that the directory lacks: the next try finds it there.
DECLARE
    v_shard text;
    v_detail text;
    v_hint text;
BEGIN
    PERFORM ortes.check_azi(p_azi);
    IF p_shard IS NOT NULL AND NOT EXISTS (SELECT FROM ortes_router.shard AS s WHERE s.name = p_shard) THEN
        PERFORM ortes.raise_bad_argument('p_shard', p_shard, 'the name of a shard (see ortes_ops.shards)');
    END IF;
    PERFORM ortes_router.hold_company(p_azi);
    v_shard := coalesce(ortes_router.shard_name(p_azi), ortes_router.found_on(p_azi));
    IF p_shard IS NOT NULL AND v_shard <> p_shard THEN
        PERFORM ortes.raise_bad_argument('p_shard', p_shard, format('%s, where the company is already', v_shard));
    END IF;
    v_shard := coalesce(v_shard, p_shard, ortes_router.most_room());
    IF v_shard IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'no shard takes the company',
            DETAIL = format('Company %L was not created: of the shards that accept new ones, none answers.', p_azi),
            HINT = 'A DBA looks at ortes_ops.shards, and lets one with: ortes router set SHARD --accepts.';
    END IF;
    INSERT INTO ortes_router.company (azi, shard) VALUES (p_azi, v_shard) ON CONFLICT DO NOTHING;
    BEGIN
        PERFORM ortes_router."ortes_ops.create_company"(p_azi);
    EXCEPTION
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
            PERFORM ortes_router.raise_from_shard(v_shard, sqlstate, sqlerrm, v_detail, v_hint);
    END;
END
$create_company$;

COMMENT ON FUNCTION ortes_router.create_company(text, text) IS
'Creates the company p_azi on the shard p_shard, or (null) on the one with most room, and writes it into the directory. '
'A repeat changes nothing. Raises OR007, 55000 (no shard takes it), 55P03, 08001, 08006.';
