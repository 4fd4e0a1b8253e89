-- name: months
-- writes: none
-- grain: month of a table of scores, as a table of its own
-- reads: pg_class, pg_namespace, pg_inherits
-- params: none
-- window: none
--
-- pending: its detaching was begun and not ended; detached: it was ended, and the table waits to be dropped.
select
    left(c.relname, -8) as table_name,
    to_date(right(c.relname, 7), 'YYYY_MM') as month,
    case
        when i.inhrelid is null then 'detached'
        when i.inhdetachpending then 'pending'
        else 'attached'
    end as state
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
left join pg_inherits as i on c.oid = i.inhrelid
where n.nspname = 'scores' and c.relkind = 'r' and c.relname ~ '^[a-z_]+_[0-9]{4}_(0[1-9]|1[0-2])$'
order by month asc, table_name asc
