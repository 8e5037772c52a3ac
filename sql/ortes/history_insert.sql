CREATE OR REPLACE FUNCTION ortes.history_insert()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $history_insert$
-- Every insert draws a number, and next_number says whether the company is audited; so does the
-- trigger's WHEN, and a company that is not pays no call. The content is in the order itself and,
-- once it is replaced, in the entry of what replaced it.
BEGIN
    INSERT INTO ortes.history (azi, id_pub, door, became)
    VALUES (new.azi, new.id_pub, ortes.calling_door(), jsonb_strip_nulls(jsonb_build_object(
        'tor_chia', new.tor_chia, 'conferma', new.conferma, 'id_int', new.id_int, 'prov_tipo', new.prov_tipo,
        'prov_id', new.prov_id, 'autore_tipo', new.autore_tipo, 'autore_cod', new.autore_cod,
        'id_sincro', nullif(new.id_sincro, 0))));
    RETURN NULL;
END
$history_insert$;

COMMENT ON FUNCTION ortes.history_insert() IS 'Trigger: writes a new order to ortes.history.';

CREATE OR REPLACE TRIGGER history_insert
AFTER INSERT ON ortes.arportes
FOR EACH ROW WHEN (new.azi IS DISTINCT FROM current_setting('ortes.unaudited', true))
EXECUTE FUNCTION ortes.history_insert();
COMMENT ON TRIGGER history_insert ON ortes.arportes IS 'Who made an order, where the company is audited.';
