CREATE OR REPLACE FUNCTION ortes_router.why_closed(p_shard text)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $why_closed$
    SELECT CASE
        WHEN s.closed THEN 'a DBA has closed it'
        ELSE format('it hangs: no answer since %s; ortes router watch opens it as soon as it answers',
            date_trunc('second', s.hangs_since))
    END
    FROM ortes_router.shard AS s
    WHERE s.name = p_shard AND NOT s.is_open
$why_closed$;

COMMENT ON FUNCTION ortes_router.why_closed(text) IS 'Why calls for companies on the shard p_shard are refused without trying; null: they are not.';
