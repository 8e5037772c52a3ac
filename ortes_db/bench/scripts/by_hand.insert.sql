\set n :n + 1
\set first :base + :n * :rows + 1
\set last :first + :rows - 1
INSERT INTO ortes.arportes (azi, id_int, prov_tipo, autore_tipo, autore_cod, dati)
SELECT :azi, i, 'S', 'C', 7, :dati FROM generate_series(:first::bigint, :last::bigint) AS i;
