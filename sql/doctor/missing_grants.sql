-- name: missing_grants
-- writes: none
-- grain: schema or table that a mapping may mean and this login may not read
-- reads: none
-- params: words
-- window: none
--
-- words: identifiers that stand in the mapping.
select
    'usage' as privilege,
    'schema ' || quote_ident(n.nspname) as thing
from pg_catalog.pg_namespace as n
where n.nspname = any(:words) and not has_schema_privilege(n.oid, 'usage')
union all
select
    'select' as privilege,
    quote_ident(n.nspname) || '.' || quote_ident(c.relname) as thing
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
where
    c.relname = any(:words)
    and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and (pg_table_is_visible(c.oid) or n.nspname = any(:words))
    and not has_table_privilege(c.oid, 'select')
order by privilege desc, thing asc
