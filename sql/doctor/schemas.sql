-- name: schemas
-- writes: none
-- grain: schema of the warehouse
-- reads: none
-- params: none
-- window: none
select
    cast(n.nspname as text) as schema_name,
    cast(pg_get_userbyid(n.nspowner) as text) as owner,
    pg_has_role(n.nspowner, 'usage') as is_ours,
    has_schema_privilege(n.oid, 'create') as is_writable,
    cast(coalesce(sum(pg_total_relation_size(c.oid)), 0) as bigint) as bytes
from pg_catalog.pg_namespace as n
left join pg_catalog.pg_class as c on n.oid = c.relnamespace and c.relkind in ('r', 'm')
where n.nspname in ('staging', 'scores', 'ops', 'bi')
group by n.oid, n.nspname, n.nspowner
order by n.nspname
