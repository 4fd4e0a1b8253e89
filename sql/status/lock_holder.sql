-- name: lock_holder
-- writes: none
-- grain: session that holds the writer lock
-- reads: ops.writer
-- params: none
-- window: none
select
    a.usename,
    a.application_name,
    w.job,
    w.as_of_date,
    w.run_id,
    w.host,
    w.pid,
    w.since
from pg_catalog.pg_locks as l
inner join pg_catalog.pg_database as d on l.database = d.oid
left join pg_catalog.pg_stat_activity as a on l.pid = a.pid
left join ops.writer as w on l.pid = w.backend_pid
where
    d.datname = current_database()
    and l.relation = to_regclass('ops.writer')
    and l.mode = 'ShareUpdateExclusiveLock'
    and l.granted
