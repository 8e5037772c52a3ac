CREATE OR REPLACE FUNCTION ortes_router.new_generation()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $new_generation$
BEGIN
    UPDATE ortes_router.generation AS g SET number = g.number % 2000000000 + 1;
    RETURN NULL;
END
$new_generation$;

COMMENT ON FUNCTION ortes_router.new_generation() IS 'Trigger: sessions read their connections anew at their next call.';

CREATE OR REPLACE TRIGGER new_generation
AFTER INSERT OR DELETE OR UPDATE OF name, part, options OR TRUNCATE ON ortes_router.shard
FOR EACH STATEMENT EXECUTE FUNCTION ortes_router.new_generation();
COMMENT ON TRIGGER new_generation ON ortes_router.shard IS 'Another shard, or another address.';

CREATE OR REPLACE TRIGGER new_generation
AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON ortes_router.login
FOR EACH STATEMENT EXECUTE FUNCTION ortes_router.new_generation();
COMMENT ON TRIGGER new_generation ON ortes_router.login IS 'Another password.';
