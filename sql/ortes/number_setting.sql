CREATE OR REPLACE FUNCTION ortes.number_setting(p_contatore text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $number_setting$
    SELECT CASE p_contatore WHEN 'ID-PUB' THEN 'ortes.id_pub' ELSE 'ortes.id_sincro' END
$number_setting$;

COMMENT ON FUNCTION ortes.number_setting(text) IS
'The setting that holds the last number a statement drew from a counter. With _azi: for which company; with _first: the first '
'one, lower by what the statement drew for companies before.';
