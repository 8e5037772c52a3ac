CREATE OR REPLACE FUNCTION ortes.company_kept()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $company_kept$
-- Orders and counters have no foreign key to their company: checked at every write, it would
-- cost more than it tells. So the company is kept here.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'a company is never removed or renamed',
        DETAIL = CASE tg_op WHEN 'TRUNCATE' THEN 'TRUNCATE would remove them all.' ELSE format('Company %L.', old.azi) END,
        HINT = 'To close a company, take its logins'' access back with ortes_ops.revoke_access.';
END
$company_kept$;

COMMENT ON FUNCTION ortes.company_kept() IS 'Trigger: refuses to remove or rename a company. Raises OR004, always.';

CREATE OR REPLACE TRIGGER company_kept
BEFORE DELETE OR UPDATE OF azi ON ortes.company
FOR EACH ROW EXECUTE FUNCTION ortes.company_kept();
COMMENT ON TRIGGER company_kept ON ortes.company IS 'A company is never removed.';

CREATE OR REPLACE TRIGGER company_kept_all
BEFORE TRUNCATE ON ortes.company
FOR EACH STATEMENT EXECUTE FUNCTION ortes.company_kept();
COMMENT ON TRIGGER company_kept_all ON ortes.company IS 'Nor are all of them.';
