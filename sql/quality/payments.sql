-- name: payments
-- writes: ops.table_figures
-- grain: figure
-- reads: staging.payments, ops.snapshots, ops.feature_sets
-- params: as_of, run_id, snapshot_id
-- window: [as_of - 35, as_of)
--
-- `customers` are those with a payment in these days: they are as many whether a month's bills fall into them once or twice,
-- and bills of the first business day are up to 34 days apart. `mean_amount` is that of the paid ones. `per_customer` is what a
-- customer who paid in the last 28 days paid how often: bills of every month are in those once. `repeated_share` is that of
-- the payments that another one of the same customer, day, amount and status precedes.
-- A source without this entity, which the families of the snapshot's features tell, has no figures: nothing is missed.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with equal_payments as (
    select
        p.customer_key,
        p.paid_date,
        p.amount,
        p.status = 'paid' as is_paid,
        p.paid_date >= cast(:as_of as date) - 28 as is_late,
        count(*) as rows
    from staging.payments as p
    where
        p.valid_to = timestamp '9999-12-31'
        and p.paid_date >= cast(:as_of as date) - 35
        and p.paid_date < cast(:as_of as date)
    group by p.customer_key, p.paid_date, p.amount, p.status
),

table_totals as (
    select
        coalesce(sum(r.rows), 0) as rows,
        count(distinct r.customer_key) as customers,
        sum(r.amount * r.rows) filter (where r.is_paid) / sum(r.rows) filter (where r.is_paid) as mean_amount,
        sum(r.rows) filter (where r.is_late) as late_rows,
        count(distinct r.customer_key) filter (where r.is_late) as late_customers,
        sum(r.rows) - count(*) as repeated,
        max(r.paid_date) as latest_date
    from equal_payments as r
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
        ('rows', cast(t.rows as double precision)),
        ('customers', t.customers),
        ('mean_amount', cast(t.mean_amount as double precision)),
        ('per_customer', cast(t.late_rows as double precision) / nullif(t.late_customers, 0)),
        ('repeated_share', cast(t.repeated as double precision) / nullif(t.rows, 0)),
        ('age_days', cast(:as_of as date) - t.latest_date)
    ) as f (figure, value)
where f.value is not null
