CREATE OR REPLACE FUNCTION ortes.arportes_insert()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_insert$
-- What an order gets when it arrives: its public id, its flag, its digest, and for an order
-- of the ERP its first sync number. Locks the company.
BEGIN
    IF new.id_pub IS NOT NULL OR new.id_sincro <> 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR004',
            MESSAGE = 'the hub gives out ID-PUB and ID-SINCRO itself',
            DETAIL = format('Company %L, ID-PUB %s, ID-SINCRO %s given.', new.azi, coalesce(new.id_pub::text, 'not'), new.id_sincro),
            HINT = 'Leave both columns out of the INSERT.';
    END IF;
    new.id_pub := ortes.next_number(new.azi, 'ID-PUB');
    IF new.prov_tipo = 'G' THEN
        new.id_sincro := ortes.next_number(new.azi, 'ID-SINCRO');
    END IF;
    new.ack_store := new.prov_tipo = 'S';
    new.ack_app := new.prov_tipo = 'A';
    new.ack_gest := new.prov_tipo = 'G';
    new.dati_digest := ortes.content_digest(new.dati, new.conferma);
    RETURN new;
END
$arportes_insert$;

COMMENT ON FUNCTION ortes.arportes_insert() IS
'Trigger: numbers a new order and sets its flags by prov_tipo. Raises OR004 when numbers are given, OR001.';

CREATE OR REPLACE TRIGGER arportes_insert
BEFORE INSERT ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION ortes.arportes_insert();
COMMENT ON TRIGGER arportes_insert ON ortes.arportes IS 'Numbers a new order.';
