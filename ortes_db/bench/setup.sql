-- Beside the hub: the same tables without triggers, ids from sequences. Taken from the catalog, so that it never drifts.
CREATE SCHEMA plain;
CREATE TABLE plain.arportes (LIKE ortes.arportes INCLUDING ALL);
CREATE SEQUENCE plain.id_pub;
CREATE SEQUENCE plain.id_sincro;
ALTER TABLE plain.arportes ALTER COLUMN id_pub SET DEFAULT nextval('plain.id_pub');

-- The tables of the hub without rules (bare.sql).
CREATE SCHEMA bare;
CREATE TABLE bare.arportes (LIKE ortes.arportes INCLUDING ALL);
CREATE TABLE bare.apstatosyn (LIKE ortes.apstatosyn INCLUDING ALL);

DO $options$
DECLARE
    v_table record;
BEGIN
    -- LIKE leaves out what stands in WITH (fillfactor and such).
    FOR v_table IN
        SELECT b.oid::regclass AS name, array_to_string(c.reloptions, ', ') AS options
        FROM pg_class AS b
        INNER JOIN pg_class AS c ON c.relname = b.relname AND c.relnamespace = 'ortes'::regnamespace
        WHERE b.relnamespace IN ('plain'::regnamespace, 'bare'::regnamespace) AND c.reloptions IS NOT NULL AND b.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %s SET (%s)', v_table.name, v_table.options);
    END LOOP;
END
$options$;

-- What the clients of the benchmark look up to prepare a call; not measured.
CREATE SCHEMA bench;
CREATE VIEW bench.orders AS SELECT * FROM ortes.arportes;

-- The companies 1 to 64.
SELECT ortes_ops.create_company(i::text) FROM generate_series(1, 64) AS i;
INSERT INTO bare.apstatosyn SELECT s.* FROM ortes.apstatosyn AS s;
