CREATE OR REPLACE FUNCTION ortes_router.raise_from_shard(
    p_shard text,
    p_code text,
    p_message text,
    p_detail text,
    p_hint text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $raise_from_shard$
-- PL/Proxy puts words of its own before what a shard says; the caller gets it as the shard said it.
-- RAISE takes no null for "none", hence the four.
DECLARE
    v_code CONSTANT text := p_code;
    v_message CONSTANT text := regexp_replace(p_message, '^[^(]*\(\d+\): \[.*?\] REMOTE [^:]+: ', '');
    v_detail CONSTANT text := regexp_replace(p_detail, '^Remote detail: ', '');
    v_hint CONSTANT text := regexp_replace(p_hint, '^Remote hint: ', '');
BEGIN
    IF p_code IN ('XX000', '57P01', '57P02', '57P03') AND ortes_router.is_unreachable(p_code, p_message) THEN
        PERFORM ortes_router.raise_unreachable(p_shard, ortes_router.shard_reason(p_code, p_message), p_message LIKE '%] PQconnect%');
    ELSIF v_detail <> '' AND v_hint <> '' THEN
        RAISE EXCEPTION USING ERRCODE = v_code, MESSAGE = v_message, DETAIL = v_detail, HINT = v_hint;
    ELSIF v_detail <> '' THEN
        RAISE EXCEPTION USING ERRCODE = v_code, MESSAGE = v_message, DETAIL = v_detail;
    ELSIF v_hint <> '' THEN
        RAISE EXCEPTION USING ERRCODE = v_code, MESSAGE = v_message, HINT = v_hint;
    END IF;
    RAISE EXCEPTION USING ERRCODE = v_code, MESSAGE = v_message;
END
$raise_from_shard$;

COMMENT ON FUNCTION ortes_router.raise_from_shard(text, text, text, text, text) IS
'Raises the error that a call on p_shard ended in (SQLSTATE, message, DETAIL, HINT as PL/Proxy has them) as the shard raised it; one of '
'the connection as 08001 or 08006. Always raises.';
