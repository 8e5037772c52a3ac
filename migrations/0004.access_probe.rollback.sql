SET LOCAL ROLE ortes_owner;

DROP INDEX ortes.access_probe_idx;
ALTER TABLE ortes.access DROP CONSTRAINT access_key;
ALTER TABLE ortes.access ADD CONSTRAINT access_key UNIQUE NULLS NOT DISTINCT (login, azi, device);
