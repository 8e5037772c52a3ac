CREATE OR REPLACE FUNCTION ortes.raise_left_out(p_azi text, p_prov_tipo text, p_prov_id integer, p_id_int bigint)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_left_out$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'the order was not inserted, or not as it was numbered',
        DETAIL = format('Company %L, prov_tipo %s, prov_id %s, id_int %s.', p_azi, p_prov_tipo, p_prov_id, p_id_int),
        HINT = 'The database administrator should look for a trigger on ortes.arportes that leaves rows out or changes their keys.';
END
$raise_left_out$;

COMMENT ON FUNCTION ortes.raise_left_out(text, text, integer, bigint) IS
'Refuses a save whose order somebody else''s trigger has left out, or given other keys. Raises OR004, always.';
