CREATE OR REPLACE FUNCTION ortes.put_right_counter(p_azi text, p_contatore text)
RETURNS void
LANGUAGE sql
VOLATILE
PARALLEL UNSAFE
AS $put_right_counter$
    -- For a statement inside another one, which has drawn numbers and not put them back yet.
    -- Elsewhere the counter is never behind the orders, and nothing is written.
    UPDATE ortes.apstatosyn AS s SET valore = n.valore
    FROM (
        SELECT CASE p_contatore
            WHEN 'ID-PUB' THEN (SELECT max(a.id_pub) FROM ortes.arportes AS a WHERE a.azi = p_azi)
            ELSE (SELECT max(a.id_sincro) FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_sincro > 0)
        END AS valore
    ) AS n
    WHERE s.azi = p_azi AND s.contatore = p_contatore AND s.valore < n.valore
$put_right_counter$;

COMMENT ON FUNCTION ortes.put_right_counter(text, text) IS
'Moves counter p_contatore forward to the highest number that an order of the company has. For the triggers alone.';
