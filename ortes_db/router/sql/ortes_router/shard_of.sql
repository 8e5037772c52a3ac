CREATE OR REPLACE FUNCTION ortes_router.shard_of(p_azi text, p_device integer = NULL)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $shard_of$
-- Every door asks, through PL/Proxy. The company is held, shared, until the transaction ends, so that
-- it cannot be moved under a call; and the directory is read after that, by a snapshot of its own.
-- A transaction that keeps an older snapshot is refused rather than sent where the company was.
DECLARE
    v_part integer;
    v_open boolean;
    v_shard text;
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(1330795589, hashtext(p_azi)) THEN
        PERFORM ortes_router.bound_wait();
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(1330795589, hashtext(p_azi));
        EXCEPTION
            WHEN lock_not_available THEN
                PERFORM ortes_router.raise_busy(p_azi);
        END;
    END IF;
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        PERFORM ortes_router.check_snapshot();
    END IF;
    SELECT s.part, s.is_open, s.name INTO v_part, v_open, v_shard
    FROM ortes_router.company AS c
    INNER JOIN ortes_router.shard AS s ON c.shard = s.name
    WHERE c.azi = p_azi;
    IF NOT FOUND THEN
        PERFORM ortes_router.refuse_unknown(p_azi, p_device);
    ELSIF NOT v_open THEN
        PERFORM ortes_router.raise_unreachable(v_shard, ortes_router.why_closed(v_shard), true);
    END IF;
    RETURN v_part;
END
$shard_of$;

COMMENT ON FUNCTION ortes_router.shard_of(text, integer) IS
'The number of the shard that company p_azi lives on, held until the transaction ends. p_device: the device that the call names, '
'for the error. Raises OR001, OR003, OR007, 08001 (closed), 40001 (moved since the transaction''s snapshot), 55P03.';
