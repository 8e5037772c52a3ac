-- A hub without rules: what none of this kind can do without, and nothing else. Doors with their owner's rights that ask who calls,
-- lock the company and look for a repeat; triggers that number without a gap, whoever writes, and leave a digest of the
-- content first saved, by which a late repeat is told from another order. No change is missed, no order is saved twice; a repeat
-- of anything else writes nothing, and is told nothing. Its cost is what the hub's rules come on top of.

-- The first number of a statement moves the counter and is marked with a sign; the rest count on in a setting.
CREATE FUNCTION bare.arportes_insert()
RETURNS trigger
LANGUAGE plpgsql
AS $arportes_insert$
DECLARE
    v_none text;
BEGIN
    IF new.azi = current_setting('bare.id_pub_azi', true) THEN
        new.id_pub := set_config('bare.id_pub', (current_setting('bare.id_pub')::bigint + 1)::text, true)::bigint;
    ELSE
        -- The door's mark: a row that may be a repeat.
        IF new.created_at IS NULL THEN
            new.created_at := new.updated_at;
            IF NOT bare.is_first_save(new.azi, new.prov_id, new.id_int, new.dati) THEN
                RETURN NULL;
            END IF;
        END IF;
        UPDATE bare.apstatosyn AS s SET valore = s.valore + 1
        WHERE s.azi = new.azi AND s.contatore = 'ID-PUB' RETURNING s.valore INTO new.id_pub;
        v_none := set_config('bare.id_pub', '+' || new.id_pub, true) || set_config('bare.id_pub_azi', new.azi, true);
    END IF;
    RETURN new;
END
$arportes_insert$;

CREATE FUNCTION bare.arportes_update()
RETURNS trigger
LANGUAGE plpgsql
AS $arportes_update$
DECLARE
    v_none text;
BEGIN
    new.updated_at := now();
    IF (old.tor_chia, old.conferma, old.dati) IS DISTINCT FROM (new.tor_chia, new.conferma, new.dati) THEN
        IF new.azi = current_setting('bare.id_sincro_azi', true) THEN
            new.id_sincro := set_config('bare.id_sincro', (current_setting('bare.id_sincro')::bigint + 1)::text, true)::bigint;
        ELSE
            UPDATE bare.apstatosyn AS s SET valore = s.valore + 1
            WHERE s.azi = new.azi AND s.contatore = 'ID-SINCRO' RETURNING s.valore INTO new.id_sincro;
            v_none := set_config('bare.id_sincro', '+' || new.id_sincro, true)
                || set_config('bare.id_sincro_azi', new.azi, true);
        END IF;
        IF new.dati_digest IS NULL AND old.dati IS DISTINCT FROM new.dati THEN
            new.dati_digest := sha256(convert_to(old.dati::text, 'UTF8'));
        END IF;
    END IF;
    RETURN new;
END
$arportes_update$;

-- At the end of a statement the counter learns how far it counted.
CREATE FUNCTION bare.arportes_counted()
RETURNS trigger
LANGUAGE plpgsql
AS $arportes_counted$
DECLARE
    v_setting CONSTANT text := tg_argv[0];
    v_none text;
BEGIN
    IF NOT starts_with(current_setting(v_setting, true), '+') THEN
        UPDATE bare.apstatosyn AS s SET valore = current_setting(v_setting)::bigint
        WHERE s.azi = current_setting(v_setting || '_azi') AND s.contatore = tg_argv[1];
    END IF;
    v_none := set_config(v_setting || '_azi', '', true);
    RETURN NULL;
END
$arportes_counted$;

CREATE TRIGGER arportes_insert BEFORE INSERT ON bare.arportes FOR EACH ROW EXECUTE FUNCTION bare.arportes_insert();
CREATE TRIGGER arportes_inserted AFTER INSERT ON bare.arportes
FOR EACH STATEMENT EXECUTE FUNCTION bare.arportes_counted('bare.id_pub', 'ID-PUB');
CREATE TRIGGER arportes_update BEFORE UPDATE ON bare.arportes FOR EACH ROW EXECUTE FUNCTION bare.arportes_update();
CREATE TRIGGER arportes_updated AFTER UPDATE OF tor_chia, conferma, dati ON bare.arportes
FOR EACH STATEMENT EXECUTE FUNCTION bare.arportes_counted('bare.id_sincro', 'ID-SINCRO');

CREATE FUNCTION bare.check_caller(p_azi text)
RETURNS void
LANGUAGE plpgsql
STABLE
AS $check_caller$
BEGIN
    PERFORM FROM ortes.access AS a WHERE a.login = session_user AND a.azi = p_azi LIMIT 1;
    IF NOT FOUND THEN
        RAISE insufficient_privilege;
    END IF;
END
$check_caller$;

-- A store's order where p_device is null.
CREATE FUNCTION bare.is_first_save(p_azi text, p_device integer, p_id_int bigint, p_dati jsonb)
RETURNS boolean
LANGUAGE plpgsql
AS $is_first_save$
DECLARE
    v_order bare.arportes;
    v_none text := pg_advisory_xact_lock(1, hashtext(p_azi));
BEGIN
    IF p_device IS NULL THEN
        SELECT a.* INTO v_order FROM bare.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = 'S' AND a.prov_id IS NULL AND a.id_int = p_id_int;
    ELSE
        SELECT a.* INTO v_order FROM bare.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = 'A' AND a.prov_id = p_device AND a.id_int = p_id_int;
    END IF;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    IF coalesce(v_order.dati_digest, sha256(convert_to(v_order.dati::text, 'UTF8')))
        IS DISTINCT FROM sha256(convert_to(p_dati::text, 'UTF8'))
    THEN
        RAISE unique_violation;
    END IF;
    v_none := set_config('bare.repeated', v_order.id_pub::text, true);
    RETURN false;
END
$is_first_save$;

CREATE FUNCTION bare.save_order(p_azi text, p_device integer, p_id_int bigint, p_autore_cod bigint, p_dati jsonb)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $save_order$
DECLARE
    v_id_pub bigint;
BEGIN
    PERFORM bare.check_caller(p_azi);
    INSERT INTO bare.arportes (azi, id_int, ack_store, ack_app, prov_tipo, prov_id, autore_tipo, autore_cod, dati, created_at)
    VALUES (p_azi, p_id_int, p_device IS NULL, p_device IS NOT NULL, CASE WHEN p_device IS NULL THEN 'S' ELSE 'A' END, p_device,
        CASE WHEN p_device IS NULL THEN 'C' ELSE 'T' END, p_autore_cod, p_dati, NULL)
    RETURNING id_pub INTO v_id_pub;
    IF NOT FOUND THEN
        v_id_pub := current_setting('bare.repeated')::bigint;
    END IF;
    RETURN v_id_pub;
END
$save_order$;

CREATE FUNCTION bare.create_order(p_azi text, p_id_pub bigint, p_autore_cod bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $create_order$
BEGIN
    PERFORM bare.check_caller(p_azi);
    PERFORM pg_advisory_xact_lock(1, hashtext(p_azi));
    UPDATE bare.arportes AS a SET autore_cod = p_autore_cod
    WHERE a.azi = p_azi AND a.id_pub = p_id_pub AND a.autore_cod <> p_autore_cod;
END
$create_order$;

CREATE FUNCTION bare.acquire_order(p_azi text, p_id_pub bigint, p_tor_chia text)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $acquire_order$
DECLARE
    v_id_sincro bigint;
BEGIN
    PERFORM bare.check_caller(p_azi);
    PERFORM pg_advisory_xact_lock(1, hashtext(p_azi));
    UPDATE bare.arportes AS a SET tor_chia = p_tor_chia, ack_gest = true
    WHERE a.azi = p_azi AND a.id_pub = p_id_pub AND a.tor_chia IS NULL
    RETURNING a.id_sincro INTO v_id_sincro;
    RETURN v_id_sincro;
END
$acquire_order$;

CREATE FUNCTION bare.export_order(p_azi text, p_tor_chia text, p_conferma text, p_dati jsonb)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $export_order$
DECLARE
    v_id_sincro bigint;
BEGIN
    PERFORM bare.check_caller(p_azi);
    PERFORM pg_advisory_xact_lock(1, hashtext(p_azi));
    UPDATE bare.arportes AS a SET conferma = p_conferma, dati = p_dati
    WHERE a.azi = p_azi AND a.tor_chia = p_tor_chia AND (a.conferma, a.dati) IS DISTINCT FROM (p_conferma, p_dati)
    RETURNING a.id_sincro INTO v_id_sincro;
    RETURN v_id_sincro;
END
$export_order$;

CREATE FUNCTION bare.changes(p_azi text, p_since bigint)
RETURNS SETOF ortes.orders
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $changes$
BEGIN
    PERFORM bare.check_caller(p_azi);
    RETURN QUERY
    SELECT a.azi, a.id_pub, a.tor_chia, a.conferma, a.id_int, a.ack_store, a.ack_gest, a.ack_app, a.prov_tipo, a.prov_id,
        a.autore_tipo, a.autore_cod, a.id_sincro, a.dati, a.created_at, a.updated_at
    FROM bare.arportes AS a WHERE a.azi = p_azi AND a.id_sincro > p_since AND a.id_sincro > 0 ORDER BY a.id_sincro LIMIT 1000;
END
$changes$;

CREATE FUNCTION bare.import_order(p_azi text, p_id_pub bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $import_order$
BEGIN
    PERFORM bare.check_caller(p_azi);
    PERFORM pg_advisory_xact_lock(1, hashtext(p_azi));
    UPDATE bare.arportes AS a SET ack_store = true WHERE a.azi = p_azi AND a.id_pub = p_id_pub AND NOT a.ack_store;
END
$import_order$;

CREATE FUNCTION bare.save_orders(p_azi text, p_orders jsonb)
RETURNS TABLE (id_int bigint, id_pub bigint)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET random_page_cost = 1
AS $save_orders$
#variable_conflict use_column
BEGIN
    PERFORM bare.check_caller(p_azi);
    PERFORM pg_advisory_xact_lock(1, hashtext(p_azi));
    RETURN QUERY
    INSERT INTO bare.arportes (azi, id_int, ack_store, prov_tipo, autore_tipo, autore_cod, dati)
    SELECT p_azi, o.id_int, true, 'S', 'C', o.autore_cod, o.dati
    FROM jsonb_to_recordset(p_orders) AS o (id_int bigint, autore_cod bigint, dati jsonb)
    WHERE NOT EXISTS (
        SELECT FROM bare.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = 'S' AND a.prov_id IS NULL AND a.id_int = o.id_int
    )
    RETURNING id_int, id_pub;
END
$save_orders$;

CREATE FUNCTION bare.acquire_orders(p_azi text, p_orders jsonb)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET random_page_cost = 1
AS $acquire_orders$
#variable_conflict use_column
BEGIN
    PERFORM bare.check_caller(p_azi);
    PERFORM pg_advisory_xact_lock(1, hashtext(p_azi));
    RETURN QUERY
    UPDATE bare.arportes AS a SET tor_chia = o.tor_chia, ack_gest = true
    FROM jsonb_to_recordset(p_orders) AS o (id_pub bigint, tor_chia text)
    WHERE a.azi = p_azi AND a.id_pub = o.id_pub AND a.tor_chia IS NULL
    RETURNING a.id_pub, a.id_sincro;
END
$acquire_orders$;

CREATE FUNCTION bare.export_orders(p_azi text, p_orders jsonb)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET random_page_cost = 1
AS $export_orders$
#variable_conflict use_column
BEGIN
    PERFORM bare.check_caller(p_azi);
    PERFORM pg_advisory_xact_lock(1, hashtext(p_azi));
    RETURN QUERY
    UPDATE bare.arportes AS a SET conferma = o.conferma, dati = o.dati
    FROM jsonb_to_recordset(p_orders) AS o (id_pub bigint, tor_chia text, conferma text, dati jsonb)
    WHERE a.azi = p_azi AND a.id_pub = o.id_pub AND (a.conferma, a.dati) IS DISTINCT FROM (o.conferma, o.dati)
    RETURNING a.id_pub, a.id_sincro;
END
$export_orders$;
