CREATE OR REPLACE VIEW ortes_ops.holders AS
SELECT
    c.azi,
    l.pid,
    l.granted AS holds,
    a.usename AS login,
    a.application_name,
    a.client_addr,
    a.state,
    a.xact_start,
    a.query,
    l.waitstart AS waits_since
FROM pg_catalog.pg_locks AS l
INNER JOIN ortes.company AS c ON l.objid::bigint = hashtext(c.azi)::bigint & 4294967295
LEFT JOIN pg_catalog.pg_stat_activity AS a ON l.pid = a.pid
WHERE l.locktype = 'advisory'
    AND l.classid = 1330795589
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database());

COMMENT ON VIEW ortes_ops.holders IS
'Per company: the session that holds it (holds) and those that wait for it, by pid, and since when those wait (waits_since). State, '
'xact_start and query are shown to members of pg_monitor. A holder that is idle in transaction can be ended with '
'pg_terminate_backend(pid).';
