-- What is in the hub's schemas, with a fingerprint of each object: its definition, owner, privileges and comment.
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

columns AS (
    SELECT
        a.attrelid,
        string_agg(a.attname || ' ' || a.attacl::text, ',' ORDER BY a.attnum) AS acl
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attacl IS NOT NULL
    GROUP BY a.attrelid
),

objects AS (
    SELECT
        'function' AS kind,
        n.nspname AS schema,
        p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' AS name,
        n.nspname || '/' || p.proname || '.sql' AS file,
        p.xmin AS version,
        CASE p.prokind WHEN 'a' THEN 'aggregate' ELSE pg_catalog.pg_get_functiondef(p.oid) END AS definition,
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
        concat_ws(' ', pg_catalog.pg_get_viewdef(c.oid), c.reloptions::text, a.acl),
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        pg_catalog.obj_description(c.oid, 'pg_class')
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('v', 'm')
    INNER JOIN pg_catalog.pg_rewrite AS r ON c.oid = r.ev_class AND r.rulename = '_RETURN'
    LEFT JOIN columns AS a ON c.oid = a.attrelid

    UNION ALL

    SELECT
        'trigger',
        n.nspname,
        t.tgname || ' on ' || c.relname,
        f.nspname || '/' || p.proname || '.sql',
        t.xmin,
        pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text,
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
        coalesce(a.acl, ''),
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        NULL
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('r', 'p')
    LEFT JOIN columns AS a ON c.oid = a.attrelid

    UNION ALL

    SELECT
        'schema',
        n.nspname,
        n.nspname,
        'privileges.sql',
        n.version,
        '',
        n.nspowner,
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)),
        NULL
    FROM schemas AS n
)

SELECT
    o.kind,
    o.schema::text,
    o.name::text,
    o.file::text,
    o.version,
    md5(concat_ws(E'\n', o.definition, pg_catalog.pg_get_userbyid(o.owner), coalesce(a.acl, ''), coalesce(o.comment, '')))
        AS fingerprint
FROM objects AS o
CROSS JOIN LATERAL (
    -- By name and in order: the same grants given in another order, or by another grantor, are the same.
    SELECT string_agg(DISTINCT g.said, ',' ORDER BY g.said) AS acl
    FROM (
        SELECT
            CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(e.grantee) END::text COLLATE "C"
            || '=' || e.privilege_type || CASE WHEN e.is_grantable THEN '*' ELSE '' END AS said
        FROM pg_catalog.aclexplode(o.acl) AS e
    ) AS g
) AS a
