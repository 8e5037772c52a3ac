SET LOCAL ROLE ortes_owner;

ALTER INDEX ortes.arportes_pkey RESET (fillfactor);
ALTER INDEX ortes.arportes_origin_key RESET (fillfactor);
ALTER INDEX ortes.arportes_tor_chia_key RESET (fillfactor);
