CREATE OR REPLACE FUNCTION ortes.arportes_insert()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_insert$
-- What an order gets when it arrives: its origin's flag (whatever was given), for an order of the
-- ERP its first sync number, its public id. What needs no lock comes first: the first number locks
-- the company. A row without created_at is save_order's (by hand it is refused, the column is NOT NULL):
-- it may be a repeat, which is not inserted; if it is none, it is alone in its statement and meets no
-- other, and save_order sees that it came in, so that its number needs no counting when the statement
-- ends. Drawing a number tells whether the company is audited. Assignments and no PERFORM, IF and no
-- WHEN: this runs once a row, and neither starts a query nor parses one.
BEGIN
    new.ack_store := new.prov_tipo = 'S';
    new.ack_app := NOT new.ack_store AND new.prov_tipo = 'A';
    new.ack_gest := NOT (new.ack_store OR new.ack_app);
    IF new.id_pub IS NOT NULL OR new.id_sincro <> 0 OR new.dati_digest IS NOT NULL OR new.autore_cod < 0
        OR (CASE
            WHEN new.ack_store THEN new.id_int IS NULL
            WHEN new.ack_app THEN new.id_int IS NULL OR new.prov_id IS NULL
            ELSE new.prov_tipo IS DISTINCT FROM 'G' OR new.id_int IS NOT NULL OR new.prov_id IS NOT NULL OR new.tor_chia IS NULL
        END)
    THEN
        PERFORM ortes.raise_bad_insert(new);
    END IF;
    IF new.created_at IS NULL AND NOT new.ack_gest AND current_user = 'ortes_owner' THEN
        new.created_at := new.updated_at;
        IF NOT ortes.is_first_save(new.azi, new.prov_tipo, new.prov_id, new.id_int, new.dati) THEN
            RETURN NULL;
        END IF;
        new.id_pub := ortes.next_number(new.azi, 'ID-PUB', true);
    ELSE
        IF new.ack_gest THEN
            IF new.azi = nullif(current_setting('ortes.id_sincro_azi', true), '') THEN
                new.id_sincro := set_config('ortes.id_sincro', (current_setting('ortes.id_sincro')::bigint + 1)::text, true)::bigint;
            ELSE
                new.id_sincro := ortes.next_number(new.azi, 'ID-SINCRO', false);
            END IF;
        END IF;
        IF new.azi = nullif(current_setting('ortes.id_pub_azi', true), '') THEN
            new.id_pub := set_config('ortes.id_pub', (current_setting('ortes.id_pub')::bigint + 1)::text, true)::bigint;
        ELSE
            new.id_pub := ortes.next_number(new.azi, 'ID-PUB', false);
        END IF;
    END IF;
    IF new.azi = current_setting('ortes.audited', true) THEN
        PERFORM ortes.record_insert(new);
    END IF;
    RETURN new;
END
$arportes_insert$;

COMMENT ON FUNCTION ortes.arportes_insert() IS
'Trigger: numbers a new order and sets the flag of the system that made it; a repeat of a save is left out. '
'Raises OR001, OR004 (numbers given), OR006, OR007, 55P03.';

CREATE OR REPLACE TRIGGER arportes_insert
BEFORE INSERT ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION ortes.arportes_insert();
COMMENT ON TRIGGER arportes_insert ON ortes.arportes IS 'Numbers a new order.';
