CREATE OR REPLACE FUNCTION ortes.confirm(p_azi text, p_prov_tipo text, p_prov_id integer, p_id_sincro bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $confirm$
-- Behind confirm of store and app. Locks the company first, like every writer. A confirmation
-- that arrives late, or twice, moves nothing.
DECLARE
    v_position bigint;
BEGIN
    PERFORM ortes.lock_company(p_azi);
    PERFORM ortes.check_position(p_azi, 'p_id_sincro', p_id_sincro);
    v_position := ortes.position(p_azi, p_prov_tipo, p_prov_id);
    IF p_id_sincro > v_position THEN
        RETURN ortes.move_reader(p_azi, p_prov_tipo, p_prov_id, p_id_sincro);
    END IF;
    RETURN v_position;
END
$confirm$;

COMMENT ON FUNCTION ortes.confirm(text, text, integer, bigint) IS
'Moves a reader''s kept position forward to p_id_sincro, never back; returns the position. Raises OR007, OR008, 55P03.';
