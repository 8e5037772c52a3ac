CREATE OR REPLACE FUNCTION ortes.arportes_touched()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_touched$
-- The changes that don't move ID-SINCRO; arportes_sincro sees to the others itself.
BEGIN
    new.updated_at := now();
    RETURN new;
END
$arportes_touched$;

COMMENT ON FUNCTION ortes.arportes_touched() IS 'Trigger: notes when an order was changed.';

CREATE OR REPLACE TRIGGER arportes_touched
BEFORE UPDATE ON ortes.arportes
FOR EACH ROW WHEN (
    old.ack_store IS DISTINCT FROM new.ack_store
    OR old.ack_app IS DISTINCT FROM new.ack_app
    OR old.autore_cod IS DISTINCT FROM new.autore_cod
    OR old.updated_at IS DISTINCT FROM new.updated_at
) EXECUTE FUNCTION ortes.arportes_touched();
COMMENT ON TRIGGER arportes_touched ON ortes.arportes IS 'Notes when an order was changed.';
