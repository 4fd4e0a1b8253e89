-- name: customer_attributes
-- writes: ops.table_figures
-- grain: figure
-- reads: staging.customer_attributes, staging.customers, ops.snapshots, ops.feature_sets
-- params: as_of, run_id, snapshot_id
-- window: customers who signed up before as_of
--
-- Attributes as they are known now, of the customers of the past.
-- A source without attributes, which the families of the snapshot's features tell, has no figures: nothing is missed.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with table_totals as (
    select count(*) as rows
    from staging.customer_attributes as a
    inner join staging.customers as c on a.customer_key = c.customer_key
    where
        a.valid_to = timestamp '9999-12-31'
        and c.valid_to = timestamp '9999-12-31'
        and c.signed_up_date < cast(:as_of as date)
    having exists (
        select 1
        from ops.snapshots as n
        inner join ops.feature_sets as e on n.feature_set_id = e.feature_set_id
        where n.snapshot_id = :snapshot_id and e.families && array['attributes']
    )
)

select
    cast(:run_id as bigint) as run_id,
    cast(:as_of as date) as as_of_date,
    'staging.customer_attributes' as table_name,
    f.figure,
    f.value
from table_totals as t
cross join
    lateral (
        values
        ('rows', t.rows)
    ) as f (figure, value)
where f.value is not null
