CREATE OR REPLACE FUNCTION ortes.arportes_insert()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_insert$
-- What an order gets when it arrives: its public id, its origin's flag, and for an order of
-- the ERP its first sync number. Locks the company. Assignments and no PERFORM: this runs
-- once a row, and an assignment doesn't start a query.
BEGIN
    IF new.azi = nullif(current_setting('ortes.id_pub_azi'), '') THEN
        new.id_pub := set_config('ortes.id_pub', (current_setting('ortes.id_pub')::bigint + 1)::text, true)::bigint;
    ELSE
        new.id_pub := ortes.next_number(new.azi, 'ID-PUB');
    END IF;
    IF new.prov_tipo = 'S' THEN
        new.ack_store := true;
    ELSIF new.prov_tipo = 'A' THEN
        new.ack_app := true;
    ELSE
        new.ack_gest := true;
        IF new.azi = current_setting('ortes.id_sincro_azi') THEN
            new.id_sincro := set_config('ortes.id_sincro', (current_setting('ortes.id_sincro')::bigint + 1)::text, true)::bigint;
        ELSE
            new.id_sincro := ortes.next_number(new.azi, 'ID-SINCRO');
        END IF;
    END IF;
    RETURN new;
END
$arportes_insert$;

COMMENT ON FUNCTION ortes.arportes_insert() IS
'Trigger: numbers a new order and sets the flag of the system that made it. Raises OR001, 55P03.';

CREATE OR REPLACE TRIGGER arportes_insert
BEFORE INSERT ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION ortes.arportes_insert();
COMMENT ON TRIGGER arportes_insert ON ortes.arportes IS 'Numbers a new order.';
