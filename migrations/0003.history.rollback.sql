SET LOCAL ROLE ortes_owner;

DROP TABLE ortes.history_purge;
DROP TABLE ortes.history;
ALTER TABLE ortes.apstatosyn DROP COLUMN audit;
