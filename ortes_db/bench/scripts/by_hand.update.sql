\set n :n + 1
\set first :base + :n * :rows + 1
\set last :first + :rows - 1
UPDATE ortes.arportes SET conferma = 'N' || :stamp
WHERE azi = :azi AND id_pub BETWEEN :first AND :last;
