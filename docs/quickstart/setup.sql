-- What the DBA does once, in a database with the hub in it (ortes deploy): a login for each system, one company, and who
-- may act for it. A repeat changes nothing.
\set ON_ERROR_STOP on
SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', login, role)
FROM (VALUES ('shop', 'ortes_store'), ('phone', 'ortes_app'), ('erp', 'ortes_erp')) AS v (login, role)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) \gexec
SELECT ortes_ops.create_company('C00001');
SELECT ortes_ops.grant_access('shop', 'C00001'), ortes_ops.grant_access('erp', 'C00001');
SELECT ortes_ops.grant_access('phone', 'C00001', p_device => 50);
