-- name: purchase_histories
-- writes: none
-- grain: customer with at least one purchase before as_of
-- reads: staging.payments
-- params: as_of
-- window: all purchases before as_of
-- Sufficient statistics of BG/NBD and gamma-gamma: purchases of one day count as one; the first is no repeat.
with purchase_days as (
    select
        p.customer_key,
        p.paid_date,
        sum(p.amount) as amount
    from staging.payments as p
    where
        p.status = 'paid'
        and p.amount > 0
        and p.paid_date < cast(:as_of as date)
        and p.valid_from < cast(:as_of as date)
        and p.valid_to >= cast(:as_of as date)
    group by p.customer_key, p.paid_date
),

numbered_days as (
    select
        d.customer_key,
        d.paid_date,
        d.amount,
        min(d.paid_date) over (partition by d.customer_key) as first_date
    from purchase_days as d
)

select
    count(*) - 1 as frequency,
    max(n.paid_date) - n.first_date as recency_days,
    cast(:as_of as date) - n.first_date as t_days,
    cast(
        sum(n.amount) filter (where n.paid_date > n.first_date)
        / nullif(count(*) - 1, 0) as double precision
    ) as monetary_value
from numbered_days as n
group by n.customer_key, n.first_date
order by n.customer_key asc
