-- Beside the hub: the same tables without triggers, ids from sequences. Taken from the catalog, so that it never drifts.
CREATE SCHEMA plain;
CREATE TABLE plain.arportes (LIKE ortes.arportes INCLUDING ALL);
CREATE SEQUENCE plain.id_pub;
CREATE SEQUENCE plain.id_sincro;
ALTER TABLE plain.arportes ALTER COLUMN id_pub SET DEFAULT nextval('plain.id_pub');

DO $options$
DECLARE
    v_options text;
BEGIN
    -- LIKE leaves out what stands in WITH (fillfactor and such).
    SELECT array_to_string(c.reloptions, ', ') INTO v_options FROM pg_class AS c WHERE c.oid = 'ortes.arportes'::regclass;
    IF v_options <> '' THEN
        EXECUTE format('ALTER TABLE plain.arportes SET (%s)', v_options);
    END IF;
END
$options$;

-- What the clients of the benchmark look up to prepare a call; not measured.
CREATE SCHEMA bench;
CREATE VIEW bench.orders AS SELECT * FROM ortes.arportes;

-- The companies 1 to 64.
SELECT ortes_ops.create_company(i::text) FROM generate_series(1, 64) AS i;
