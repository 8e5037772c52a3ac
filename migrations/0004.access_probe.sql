-- depends: 0003.history

SET LOCAL ROLE ortes_owner;

-- Every call asks whether its login may act for the company. A hash index finds that with the bucket and the row,
-- two buffers, however many grants there are; a B-tree has a root above its leaves from some hundred on. The old key
-- began with the same columns, and a planner without statistics would prefer it.
ALTER TABLE ortes.access DROP CONSTRAINT access_key;
ALTER TABLE ortes.access ADD CONSTRAINT access_key UNIQUE NULLS NOT DISTINCT (device, azi, login);
CREATE INDEX access_probe_idx ON ortes.access USING hash ((login || E'\n' || azi));
