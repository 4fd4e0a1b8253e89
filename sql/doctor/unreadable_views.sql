-- name: unreadable_views
-- writes: none
-- grain: view of bi that a reading role should read and can't
-- reads: none
-- params: reader, views
-- window: none
select cast(c.relname as text) as view_name
from pg_catalog.pg_class as c
inner join pg_catalog.pg_roles as r on r.rolname = :reader
where
    c.relnamespace = to_regnamespace('bi')
    and c.relkind = 'v'
    and (c.relname = any(:views) or cardinality(cast(:views as text[])) = 0)
    and not (
        has_table_privilege(r.oid, c.oid, 'select') and has_schema_privilege(r.oid, c.relnamespace, 'usage')
    )
order by c.relname
