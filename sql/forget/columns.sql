-- name: columns
-- writes: none
-- grain: column of the warehouse that may name a customer
-- reads: pg_class, pg_namespace, pg_attribute, pg_type, pg_inherits, pg_index
-- params: none
-- window: none
--
-- Every column named customer_key or customer_id, and every text, of every table: partitions are seen through their
-- table, but one whose detaching goes on (churn.keeping) stands for itself.
select
    n.nspname as table_schema,
    c.relname as table_name,
    a.attname as column_name,
    t.typname as type_name,
    exists(
        select 1
        from pg_index as i
        where i.indrelid = c.oid and i.indisunique and a.attnum = any(i.indkey)
    ) as is_unique
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_attribute as a on c.oid = a.attrelid
inner join pg_type as t on a.atttypid = t.oid
where
    n.nspname in ('staging', 'scores', 'ops')
    and c.relkind in ('r', 'p')
    and (
        not c.relispartition
        or exists (
            select 1
            from pg_inherits as h
            where h.inhrelid = c.oid and h.inhdetachpending
        )
    )
    and a.attnum > 0
    and not a.attisdropped
    and (
        a.attname in ('customer_key', 'customer_id')
        or t.typname in ('text', 'varchar', 'bpchar', '_text', '_varchar', 'json', 'jsonb')
    )
order by n.nspname asc, c.relname asc, a.attnum asc
