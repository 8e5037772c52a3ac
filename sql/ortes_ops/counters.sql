CREATE OR REPLACE VIEW ortes_ops.counters AS
SELECT
    s.azi,
    s.contatore,
    s.valore
FROM ortes.apstatosyn AS s;

COMMENT ON VIEW ortes_ops.counters IS 'Per company and counter (ID-PUB, ID-SINCRO): the last number given out.';
