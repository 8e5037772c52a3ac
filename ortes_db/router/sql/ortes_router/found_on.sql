CREATE OR REPLACE FUNCTION ortes_router.found_on(p_azi text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $found_on$
-- For a company that the directory lacks: a creation was interrupted, or it was made on the shard
-- by hand. A shard that does not answer is passed over, so that the others go on.
DECLARE
    v_shard record;
BEGIN
    FOR v_shard IN SELECT s.name, s.part FROM ortes_router.shard AS s WHERE s.is_open ORDER BY s.part LOOP
        BEGIN
            IF EXISTS (SELECT FROM ortes_router.company_at(v_shard.part, p_azi)) THEN
                RETURN v_shard.name;
            END IF;
        EXCEPTION
            WHEN OTHERS THEN
                IF NOT ortes_router.is_unreachable(sqlstate, sqlerrm) THEN
                    RAISE;
                END IF;
        END;
    END LOOP;
    RETURN NULL;
END
$found_on$;

COMMENT ON FUNCTION ortes_router.found_on(text) IS
'The first shard that has the company p_azi, whatever the directory says; null: none that answers.';
