CREATE OR REPLACE FUNCTION ortes.move_reader(p_azi text, p_prov_tipo text, p_prov_id integer, p_id_sincro bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $move_reader$
BEGIN
    INSERT INTO ortes.reader (azi, prov_tipo, prov_id, id_sincro)
    VALUES (p_azi, p_prov_tipo, p_prov_id, p_id_sincro)
    ON CONFLICT ON CONSTRAINT reader_key
    DO UPDATE SET id_sincro = excluded.id_sincro, confirmed_at = now();
    RETURN p_id_sincro;
END
$move_reader$;

COMMENT ON FUNCTION ortes.move_reader(text, text, integer, bigint) IS
'Writes a reader''s kept position, forward or back. Behind confirm and rewind_reader, which hold the company''s lock.';
