-- name: payments
-- writes: ops.table_figures
-- grain: figure
-- reads: staging.payments, ops.snapshots, ops.feature_sets
-- params: as_of, run_id, snapshot_id
-- window: [as_of - 35, as_of)
--
-- `customers` are those with a payment in the last 31 days: they are as many whether a month's bills fall into those days
-- once or twice. `mean_amount` is that of the last 31 days' paid ones.
-- A source without this entity, which the families of the snapshot's features tell, has no figures: nothing is missed.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with recent_payments as (
    select
        p.customer_key,
        p.paid_date,
        p.amount,
        p.status = 'paid' as is_paid,
        p.paid_date >= cast(:as_of as date) - 31 as is_counted
    from staging.payments as p
    where
        p.valid_to = timestamp '9999-12-31'
        and p.paid_date >= cast(:as_of as date) - 35
        and p.paid_date < cast(:as_of as date)
        and exists (
            select 1
            from ops.snapshots as n
            inner join ops.feature_sets as e on n.feature_set_id = e.feature_set_id
            where n.snapshot_id = :snapshot_id and e.families && array['payments', 'rfm']
        )
),

table_totals as (
    select
        count(*) filter (where r.is_counted) as rows,
        count(distinct r.customer_key) filter (where r.is_counted) as customers,
        avg(r.amount) filter (where r.is_counted and r.is_paid) as mean_amount,
        max(r.paid_date) as latest_date
    from recent_payments as r
    having exists (
        select 1
        from ops.snapshots as n
        inner join ops.feature_sets as e on n.feature_set_id = e.feature_set_id
        where n.snapshot_id = :snapshot_id and e.families && array['payments', 'rfm']
    )
)

select
    cast(:run_id as bigint) as run_id,
    cast(:as_of as date) as as_of_date,
    'staging.payments' as table_name,
    f.figure,
    f.value
from table_totals as t
cross join
    lateral (
        values
        ('rows', t.rows),
        ('customers', t.customers),
        ('mean_amount', cast(t.mean_amount as double precision)),
        ('age_days', cast(:as_of as date) - t.latest_date)
    ) as f (figure, value)
where f.value is not null
