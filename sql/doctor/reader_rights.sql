-- name: reader_rights
-- writes: none
-- grain: thing that a reading role has too much, or too little
-- reads: none
-- params: churn_job, readers
-- window: none
--
-- Readers are the reading roles and the logins that are members of them.
with readers as (
    select
        r.oid,
        cast(r.rolname as text) as reader
    from pg_catalog.pg_roles as r
    where exists (
        select 1
        from pg_catalog.pg_roles as w
        where w.rolname = any(:readers) and (r.oid = w.oid or pg_has_role(r.oid, w.oid, 'usage'))
    )
    and r.rolname <> :churn_job
    and not r.rolsuper
    and not pg_has_role(r.oid, current_user, 'member')
)

select
    r.reader,
    'may look into schema ' || n.nspname as problem
from readers as r
inner join pg_catalog.pg_namespace as n on n.nspname in ('staging', 'scores', 'ops')
where has_schema_privilege(r.oid, n.oid, 'usage')
union all
select
    r.reader,
    'may write into schema ' || n.nspname as problem
from readers as r
inner join pg_catalog.pg_namespace as n on n.nspname in ('staging', 'scores', 'ops', 'bi')
where has_schema_privilege(r.oid, n.oid, 'create')
union all
select
    r.reader,
    'may change bi.' || c.relname as problem
from readers as r
inner join pg_catalog.pg_class as c on c.relnamespace = to_regnamespace('bi') and c.relkind in ('v', 'm')
where has_table_privilege(r.oid, c.oid, 'insert, update, delete, truncate')
union all
select
    cast(r.rolname as text) as reader,
    'is a superuser' as problem
from pg_catalog.pg_roles as r
where r.rolname = any(:readers) and r.rolsuper
union all
select
    cast(r.rolname as text) as reader,
    'is a member of ' || :churn_job as problem
from pg_catalog.pg_roles as r
inner join pg_catalog.pg_roles as j on j.rolname = :churn_job
where r.rolname = any(:readers) and not r.rolsuper and pg_has_role(r.oid, j.oid, 'member')
order by reader, problem
