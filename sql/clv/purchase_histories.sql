-- name: purchase_histories
-- writes: none
-- grain: customer with at least one purchase before as_of
-- reads: staging.payments
-- params: as_of
-- window: all purchases and refunds before as_of
--
-- Sufficient statistics of BG/NBD and gamma-gamma: purchases of one day count as one; the first is no repeat. A purchase
-- is a positive paid payment: gifts (0), refunds and payments taken back (status refunded) are none. A refund (a negative
-- amount) lowers what all purchases of the customer were worth by the same share, down to 0, never how many there were.
with known_payments as (
    select
        p.customer_key,
        p.paid_date,
        p.amount,
        (p.status = 'paid' and p.amount > 0) as is_purchase
    from staging.payments as p
    where
        p.status in ('paid', 'refunded')
        and p.paid_date < cast(:as_of as date)
        and p.valid_from < cast(:as_of as date)
        and p.valid_to >= cast(:as_of as date)
),

purchase_days as (
    select
        k.customer_key,
        k.paid_date,
        sum(k.amount) as amount
    from known_payments as k
    where k.is_purchase
    group by k.customer_key, k.paid_date
),

numbered_days as (
    select
        d.customer_key,
        d.paid_date,
        d.amount,
        min(d.paid_date) over (partition by d.customer_key) as first_date
    from purchase_days as d
),

refunded_customers as (
    select
        k.customer_key,
        greatest(1 + sum(k.amount) filter (where k.amount < 0) / sum(k.amount) filter (where k.is_purchase), 0)
            as net_share
    from known_payments as k
    group by k.customer_key
    having count(*) filter (where k.amount < 0) > 0 and count(*) filter (where k.is_purchase) > 0
)

select
    n.customer_key,
    count(*) - 1 as frequency,
    max(n.paid_date) - n.first_date as recency_days,
    cast(:as_of as date) - n.first_date as t_days,
    cast(
        sum(n.amount) filter (where n.paid_date > n.first_date)
        / nullif(count(*) - 1, 0) * coalesce(r.net_share, 1) as double precision
    ) as monetary_value
from numbered_days as n
left join refunded_customers as r on n.customer_key = r.customer_key
group by n.customer_key, n.first_date, r.net_share
order by n.customer_key asc
