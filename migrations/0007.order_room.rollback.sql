SET LOCAL ROLE ortes_owner;

ALTER TABLE ortes.arportes RESET (fillfactor);
