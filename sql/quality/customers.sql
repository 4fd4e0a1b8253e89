-- name: customers
-- writes: ops.table_figures
-- grain: figure
-- reads: staging.customers
-- params: as_of, run_id
-- window: customers who signed up before as_of
--
-- Customers as they are known now, whatever night it is: a night of the past is compared with nights before it that were
-- counted in the same way.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with table_totals as (
    select
        count(*) as rows,
        count(*) filter (where c.contactable is null) as without_contactable,
        max(c.signed_up_date) as latest_date
    from staging.customers as c
    where c.valid_to = timestamp '9999-12-31' and c.signed_up_date < cast(:as_of as date)
)

select
    cast(:run_id as bigint) as run_id,
    cast(:as_of as date) as as_of_date,
    'staging.customers' as table_name,
    f.figure,
    f.value
from table_totals as t
cross join
    lateral (
        values
        ('rows', t.rows),
        ('age_days', cast(:as_of as date) - t.latest_date),
        ('null_share.contactable', cast(t.without_contactable as double precision) / nullif(t.rows, 0))
    ) as f (figure, value)
where f.value is not null
