-- Who was granted what in the hub's schemas, beside the owner: kind, object, role (PUBLIC for everybody), privilege. An
-- object on which nobody was granted anything has one row, with neither.
WITH
objects AS (
    SELECT
        'schema' AS kind,
        n.oid::pg_catalog.regnamespace::text AS object,
        n.nspowner AS owner,
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) AS acl,
        NULL::oid AS relation
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname ~ '^ortes(_|$)'

    UNION ALL

    SELECT
        'function',
        p.oid::pg_catalog.regprocedure::text,
        p.proowner,
        coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)),
        NULL
    FROM pg_catalog.pg_proc AS p
    INNER JOIN pg_catalog.pg_namespace AS n ON p.pronamespace = n.oid
    WHERE n.nspname ~ '^ortes(_|$)'

    UNION ALL

    SELECT
        CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'table' END,
        c.oid::pg_catalog.regclass::text,
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", c.relowner)),
        c.oid
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
    WHERE n.nspname ~ '^ortes(_|$)' AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
)

SELECT
    o.kind,
    o.object,
    coalesce(g.role, '') AS role,
    coalesce(g.privilege, '') AS privilege
FROM objects AS o
LEFT JOIN LATERAL (
    SELECT
        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END AS role,
        a.privilege_type || a.part || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS privilege
    FROM (
        SELECT e.grantee, e.privilege_type, e.is_grantable, '' AS part
        FROM pg_catalog.aclexplode(o.acl) AS e
        UNION ALL
        SELECT e.grantee, e.privilege_type, e.is_grantable, pg_catalog.format(' (%I)', t.attname)
        FROM pg_catalog.pg_attribute AS t
        CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS e
        WHERE t.attrelid = o.relation
    ) AS a
    WHERE a.grantee <> o.owner
) AS g ON true
ORDER BY o.kind, o.object, 3, 4
