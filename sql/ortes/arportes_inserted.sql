CREATE OR REPLACE FUNCTION ortes.arportes_inserted()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_inserted$
-- After an INSERT: the counters learn which numbers it drew (an ID-SINCRO only together with an
-- ID-PUB). They know a single one, which next_number has marked: only whether its order is there is
-- left to see (save_order sees that of its own). Assignments and no PERFORM: they start no query.
-- What is returned is ignored: `new` is no expression to set up, NULL would be one.
DECLARE
    v_azi text;
    v_none text;
BEGIN
    IF current_setting('ortes.id_pub_azi', true) <> '' THEN
        IF starts_with(current_setting('ortes.id_pub'), '+') THEN
            v_azi := current_setting('ortes.id_pub_azi');
            PERFORM FROM ortes.arportes AS a WHERE a.azi = v_azi AND a.id_pub = current_setting('ortes.id_pub', true)::bigint;
            IF NOT FOUND THEN
                PERFORM ortes.raise_gap(v_azi, 1, 0);
            END IF;
            v_none := set_config('ortes.id_pub_azi', '', true);
        ELSE
            v_none := ortes.settle_numbers('ID-PUB');
        END IF;
        IF current_setting('ortes.id_sincro_azi', true) <> '' THEN
            v_none := ortes.settle_numbers('ID-SINCRO');
        END IF;
    END IF;
    RETURN new;
END
$arportes_inserted$;

COMMENT ON FUNCTION ortes.arportes_inserted() IS
'Trigger: the counters learn which numbers an INSERT drew; one that drew more than it inserted is refused. Raises OR004.';

CREATE OR REPLACE TRIGGER arportes_inserted
AFTER INSERT ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_inserted();
COMMENT ON TRIGGER arportes_inserted ON ortes.arportes IS 'Writes back the numbers that the statement drew.';
