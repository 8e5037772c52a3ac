CREATE OR REPLACE FUNCTION ortes.arportes_delete()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_delete$
-- For DELETE fires per row, for TRUNCATE per statement (there is no old row then).
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'an order is never deleted',
        DETAIL = CASE tg_op
            WHEN 'DELETE' THEN format('Company %L, ID-PUB %s.', old.azi, old.id_pub)
            ELSE 'TRUNCATE would delete every order.'
        END,
        HINT = 'What became of an order belongs in its dati.';
END
$arportes_delete$;

COMMENT ON FUNCTION ortes.arportes_delete() IS 'Trigger: refuses to delete orders. Raises OR004, always.';

CREATE OR REPLACE TRIGGER arportes_delete
BEFORE DELETE ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION ortes.arportes_delete();
COMMENT ON TRIGGER arportes_delete ON ortes.arportes IS 'An order is never deleted.';

CREATE OR REPLACE TRIGGER arportes_delete_all
BEFORE TRUNCATE ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_delete();
COMMENT ON TRIGGER arportes_delete_all ON ortes.arportes IS 'Nor are all of them.';
