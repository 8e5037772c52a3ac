CREATE OR REPLACE FUNCTION ortes.record_insert(p_order ortes.arportes)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $record_insert$
-- The content is in the order itself and, once it is replaced, in the entry of what replaced it.
BEGIN
    INSERT INTO ortes.history (azi, id_pub, door, became)
    VALUES (p_order.azi, p_order.id_pub, ortes.calling_door(), jsonb_strip_nulls(jsonb_build_object(
        'tor_chia', p_order.tor_chia, 'conferma', p_order.conferma, 'id_int', p_order.id_int,
        'prov_tipo', p_order.prov_tipo, 'prov_id', p_order.prov_id, 'autore_tipo', p_order.autore_tipo,
        'autore_cod', p_order.autore_cod, 'id_sincro', nullif(p_order.id_sincro, 0))));
END
$record_insert$;

COMMENT ON FUNCTION ortes.record_insert(ortes.arportes) IS
'Writes a new order of an audited company to ortes.history. For the triggers alone.';
