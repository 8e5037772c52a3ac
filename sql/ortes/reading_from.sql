CREATE OR REPLACE FUNCTION ortes.reading_from(p_azi text, p_prov_tipo text, p_prov_id integer, p_since bigint, p_limit integer)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $reading_from$
-- Called first by changes of store and app: who calls, and what was given out last, in one query. The counter is
-- reached through the grant. Stable: counter and rows are of one snapshot.
DECLARE
    v_device CONSTANT integer := CASE p_prov_tipo WHEN 'A' THEN p_prov_id END;
    v_since bigint := p_since;
    v_last bigint;
BEGIN
    SELECT s.valore INTO v_last
    FROM ortes.caller_grant(p_azi, v_device) AS g
    INNER JOIN ortes.apstatosyn AS s ON s.azi = g.azi AND s.contatore = 'ID-SINCRO';
    IF NOT FOUND THEN
        PERFORM ortes.check_caller(p_azi, v_device);
    END IF;
    IF NOT ortes.is_limit(p_limit) THEN
        PERFORM ortes.check_limit(p_limit);
    END IF;
    IF v_since IS NULL THEN
        v_since := ortes.position(p_azi, p_prov_tipo, p_prov_id);
    END IF;
    IF ortes.is_position(v_since, v_last) THEN
        RETURN nullif(v_since, v_last);
    END IF;
    RETURN nullif(v_since, ortes.check_position(p_azi, 'p_since', v_since));
END
$reading_from$;

COMMENT ON FUNCTION ortes.reading_from(text, text, integer, bigint, integer) IS
'The ID-SINCRO after which a reader (p_prov_tipo S or A, p_prov_id) reads on: p_since, or where that is null what it confirmed '
'last; null: there is nothing after it. The caller must be allowed to be that reader. Raises OR001, OR003, OR007, OR008.';
