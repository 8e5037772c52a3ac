CREATE OR REPLACE FUNCTION ortes_router.shard_name(p_azi text)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL UNSAFE
AS $shard_name$
    SELECT c.shard FROM ortes_router.company AS c WHERE c.azi = p_azi
$shard_name$;

COMMENT ON FUNCTION ortes_router.shard_name(text) IS 'Where the company p_azi lives, for an error''s words. No lock.';
