CREATE OR REPLACE VIEW ortes_ops.release AS
SELECT '0.1.0'::text AS release;

COMMENT ON VIEW ortes_ops.release IS 'The release of ortes-db whose rules are in this database.';
