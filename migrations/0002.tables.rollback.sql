SET LOCAL ROLE ortes_owner;

DROP TABLE ortes.reader;
DROP TABLE ortes.access;
DROP TYPE ortes.orders;
DROP TABLE ortes.arportes;
DROP TABLE ortes.apstatosyn;
DROP TABLE ortes.company;
