CREATE OR REPLACE VIEW ortes_ops.release AS
SELECT m.release FROM ortes_router.made AS m;

COMMENT ON VIEW ortes_ops.release IS 'The release of ortes-db that this router''s doors were made from.';
