CREATE OR REPLACE FUNCTION ortes.number_setting(p_contatore text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $number_setting$
    SELECT CASE p_contatore WHEN 'ID-PUB' THEN 'ortes.id_pub' ELSE 'ortes.id_sincro' END
$number_setting$;

COMMENT ON FUNCTION ortes.number_setting(text) IS
'The setting in which a statement counts the numbers it draws from a counter; with _first: the first of them, with _azi: for which company,'
' with _total: how many for the companies before.';
