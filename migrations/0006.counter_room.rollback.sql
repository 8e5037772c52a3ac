SET LOCAL ROLE ortes_owner;

ALTER TABLE ortes.apstatosyn SET (fillfactor = 50);
