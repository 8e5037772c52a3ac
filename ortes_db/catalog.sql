-- What is in the hub's schemas, with a fingerprint of each object: its definition, owner, privileges and comment.
-- A grant to a role that is not the hub's is an object too: it is nobody's of sql/, and must not hide behind the others.
-- Run under session.sql, because how PostgreSQL writes a definition depends on settings. Takes no lock that anybody
-- would notice, and works on a standby. `file` is where sql/ keeps the object, by the convention folder = schema,
-- file = name; a trigger stands in the file of its function, and privileges.sql decides about schemas and tables.
WITH
schemas AS (
    SELECT
        n.oid,
        n.xmin AS version,
        n.nspname,
        n.nspowner,
        n.nspacl
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname IN ('ortes', 'ortes_ops', 'ortes_store', 'ortes_app', 'ortes_erp')
),

objects AS (
    SELECT
        'function' AS kind,
        n.nspname AS schema,
        p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' AS name,
        n.nspname || '/' || p.proname || '.sql' AS file,
        p.xmin AS version,
        CASE p.prokind WHEN 'a' THEN 'aggregate' ELSE pg_catalog.pg_get_functiondef(p.oid) END AS definition,
        NULL::oid AS relation,
        p.proowner AS owner,
        coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl,
        pg_catalog.obj_description(p.oid, 'pg_proc') AS comment
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_proc AS p ON n.oid = p.pronamespace

    UNION ALL

    SELECT
        'view',
        n.nspname,
        c.relname,
        n.nspname || '/' || c.relname || '.sql',
        r.xmin,
        concat_ws(' ', pg_catalog.pg_get_viewdef(c.oid), c.reloptions::text),
        c.oid,
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        pg_catalog.obj_description(c.oid, 'pg_class')
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('v', 'm')
    INNER JOIN pg_catalog.pg_rewrite AS r ON c.oid = r.ev_class AND r.rulename = '_RETURN'

    UNION ALL

    SELECT
        'trigger',
        n.nspname,
        t.tgname || ' on ' || c.relname,
        f.nspname || '/' || p.proname || '.sql',
        t.xmin,
        pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text,
        NULL,
        c.relowner,
        NULL,
        pg_catalog.obj_description(t.oid, 'pg_trigger')
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace
    INNER JOIN pg_catalog.pg_trigger AS t ON c.oid = t.tgrelid AND NOT t.tgisinternal
    INNER JOIN pg_catalog.pg_proc AS p ON t.tgfoid = p.oid
    INNER JOIN pg_catalog.pg_namespace AS f ON p.pronamespace = f.oid

    UNION ALL

    SELECT
        'table',
        n.nspname,
        c.relname,
        'privileges.sql',
        c.xmin,
        '',
        c.oid,
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        NULL
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('r', 'p')

    UNION ALL

    SELECT
        'schema',
        n.nspname,
        n.nspname,
        'privileges.sql',
        n.version,
        '',
        NULL,
        n.nspowner,
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)),
        NULL
    FROM schemas AS n
),

grants AS (
    SELECT
        o.kind,
        o.schema,
        o.name,
        g.grantee IN (0, o.owner) OR r.rolname IN ('ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor')
            AS ours,
        coalesce(r.rolname, 'PUBLIC')::text COLLATE "C" AS grantee,
        (g.privilege_type || g.part || CASE WHEN g.is_grantable THEN '*' ELSE '' END) COLLATE "C" AS privilege
    FROM objects AS o
    CROSS JOIN LATERAL (
        SELECT
            e.grantee,
            e.privilege_type,
            e.is_grantable,
            '' AS part
        FROM pg_catalog.aclexplode(o.acl) AS e
        UNION ALL
        SELECT
            e.grantee,
            e.privilege_type,
            e.is_grantable,
            ' (' || a.attname || ')'
        FROM pg_catalog.pg_attribute AS a
        CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS e
        WHERE a.attrelid = o.relation
    ) AS g
    LEFT JOIN pg_catalog.pg_roles AS r ON g.grantee = r.oid
)

SELECT
    o.kind,
    o.schema::text,
    o.name::text,
    o.file::text,
    o.version,
    md5(concat_ws(E'\n', o.definition, pg_catalog.pg_get_userbyid(o.owner), g.acl, coalesce(o.comment, '')))
        AS fingerprint
FROM objects AS o
CROSS JOIN LATERAL (
    -- By name and in order: the same grants given in another order, or by another grantor, are the same.
    SELECT coalesce(string_agg(DISTINCT a.said, ',' ORDER BY a.said), '') AS acl
    FROM (
        SELECT g.grantee || '=' || g.privilege AS said
        FROM grants AS g
        WHERE g.ours AND (g.kind, g.schema, g.name) = (o.kind, o.schema, o.name)
    ) AS a
) AS g

UNION ALL

SELECT
    'grant',
    '',
    format(
        '%s on %s %s to %s',
        string_agg(DISTINCT g.privilege, ', '), g.kind, concat_ws('.', nullif(g.schema, g.name), g.name), g.grantee
    ),
    'privileges.sql',
    NULL,
    ''
FROM grants AS g
WHERE NOT g.ours
GROUP BY g.kind, g.schema, g.name, g.grantee
