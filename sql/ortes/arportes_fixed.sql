CREATE OR REPLACE FUNCTION ortes.arportes_fixed()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_fixed$
-- What is fixed for life stays. Apart from arportes_update, so that a statement that names none of
-- these columns, which is every one of the doors, does not pay for comparing them.
BEGIN
    IF (old.azi, old.id_pub, old.prov_tipo, old.prov_id, old.id_int, old.autore_tipo, old.created_at, old.dati_digest, old.id_sincro)
        IS DISTINCT FROM
        (new.azi, new.id_pub, new.prov_tipo, new.prov_id, new.id_int, new.autore_tipo, new.created_at, new.dati_digest, new.id_sincro)
    THEN
        PERFORM ortes.raise_bad_update(old, new);
    END IF;
    RETURN new;
END
$arportes_fixed$;

COMMENT ON FUNCTION ortes.arportes_fixed() IS
'Trigger: refuses to change what an order has from its first save on, and what the hub alone writes. Raises OR004.';

CREATE OR REPLACE TRIGGER arportes_fixed
BEFORE UPDATE OF azi, id_pub, prov_tipo, prov_id, id_int, autore_tipo, created_at, dati_digest, id_sincro ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION ortes.arportes_fixed();
COMMENT ON TRIGGER arportes_fixed ON ortes.arportes IS 'Guards what is fixed for life.';
