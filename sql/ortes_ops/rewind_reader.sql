CREATE OR REPLACE FUNCTION ortes_ops.rewind_reader(p_azi text, p_prov_tipo text, p_id_sincro bigint, p_prov_id integer = NULL)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $rewind_reader$
-- For a resync that is wanted: the reader is shown again everything after p_id_sincro. Locks the company.
BEGIN
    PERFORM ortes.check_company(p_azi);
    PERFORM ortes.check_numbers('p_id_sincro', ARRAY[p_id_sincro], 0);
    PERFORM ortes.lock_company(p_azi);
    IF NOT EXISTS (
        SELECT FROM ortes.reader AS r
        WHERE r.azi = p_azi AND r.prov_tipo = p_prov_tipo AND r.prov_id IS NOT DISTINCT FROM p_prov_id
            AND r.id_sincro >= p_id_sincro
    ) THEN
        PERFORM ortes.raise_bad_argument('p_id_sincro', format('%s for reader %s %s', p_id_sincro, p_prov_tipo, p_prov_id),
            'at most the position of a reader that has confirmed (see ortes_ops.readers)');
    END IF;
    RETURN ortes.move_reader(p_azi, p_prov_tipo, p_prov_id, p_id_sincro);
END
$rewind_reader$;

COMMENT ON FUNCTION ortes_ops.rewind_reader(text, text, bigint, integer) IS
'Takes a reader''s kept position back to p_id_sincro; returns it. p_prov_tipo: S store, A app; p_prov_id: which store or device. '
'Raises OR001, OR007, 55P03.';
