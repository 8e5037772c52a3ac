CREATE OR REPLACE FUNCTION ortes.check_position(p_azi text, p_argument text, p_id_sincro bigint)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $check_position$
-- A reader that is ahead of the counter read a history that is gone: everything that is given
-- those numbers anew would be missed, so it must know.
DECLARE
    v_last bigint;
BEGIN
    SELECT s.valore INTO v_last FROM ortes.apstatosyn AS s WHERE s.azi = p_azi AND s.contatore = 'ID-SINCRO';
    IF NOT ortes.is_position(p_id_sincro, v_last) THEN
        PERFORM ortes.check_numbers(p_argument, ARRAY[p_id_sincro], 0);
        RAISE EXCEPTION USING
            ERRCODE = 'OR008',
            MESSAGE = 'reading position beyond the counter',
            DETAIL = format('Company %L: position %s, last ID-SINCRO given out %s.', p_azi, p_id_sincro, v_last),
            HINT = CASE
                WHEN pg_is_in_recovery() THEN 'This replica may lag behind the server the position is from: ask again, '
                    'or ask the primary. If that says the same, the hub was restored to an earlier state.'
                ELSE 'The hub was restored to an earlier state: a DBA moves the counter (ortes_ops.set_counter) '
                    'or takes the reader back (ortes_ops.rewind_reader).'
            END;
    END IF;
    RETURN v_last;
END
$check_position$;

COMMENT ON FUNCTION ortes.check_position(text, text, bigint) IS
'Refuses a position that is null, negative or beyond the company''s counter; returns the last ID-SINCRO given out. '
'p_argument: its name. Raises OR007, OR008.';
