CREATE OR REPLACE FUNCTION ortes.raise_counter_lost(p_counter ortes.apstatosyn)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_counter_lost$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'a counter only goes forward',
        DETAIL = CASE
            WHEN p_counter IS NULL THEN 'TRUNCATE would lose every counter.'
            ELSE format('Company %L, counter %s, last number given out %s.', p_counter.azi, p_counter.contatore, p_counter.valore)
        END,
        HINT = 'A number given out twice would make two orders, or two changes, out of one.';
END
$raise_counter_lost$;

COMMENT ON FUNCTION ortes.raise_counter_lost(ortes.apstatosyn) IS
'Refuses to move counter p_counter back or to remove it; null: to remove them all. Raises OR004, always.';
