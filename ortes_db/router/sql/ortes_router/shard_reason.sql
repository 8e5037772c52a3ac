CREATE OR REPLACE FUNCTION ortes_router.shard_reason(p_code text, p_message text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $shard_reason$
    -- Of PL/Proxy's own errors only what libpq says: the one of a timeout quotes the connection string.
    SELECT btrim(regexp_replace(coalesce(
        substring(p_message FROM '^PL/Proxy function [^(]*\(\d+\): \[.*?\] PQ\w+: (.*)$'),
        substring(p_message FROM '^[^(]*\(\d+\): \[.*?\] REMOTE [^:]+: (.*)$'),
        CASE WHEN p_code = 'XX000' THEN 'PL/Proxy got no answer' ELSE p_message END), '\s+', ' ', 'g'), ' .')
$shard_reason$;

COMMENT ON FUNCTION ortes_router.shard_reason(text, text) IS 'Why a shard does not answer, in one line, without anything secret.';
