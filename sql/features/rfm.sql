-- name: rfm
-- writes: none
-- grain: customer
-- reads: staging.payments
-- params: as_of
-- window: all history before as_of
--
-- Recency, frequency and monetary value of purchase days: days with a positive paid payment. Several payments of a
-- day are one purchase, so that frequency, recency_days and t_days are those of BG/NBD (Fader, Hardie & Lee 2005),
-- in days. monetary_value is the mean of the repeat days' totals (Fader & Hardie 2013); the first day is not in it.
with purchases as (
    select
        p.customer_key,
        p.paid_date,
        p.amount,
        min(p.paid_date) over (partition by p.customer_key order by p.paid_date asc) as first_date,
        lag(p.paid_date) over (partition by p.customer_key order by p.paid_date asc) as previous_date
    from staging.payments as p
    where
        p.valid_from < cast(:as_of as date)
        and p.valid_to >= cast(:as_of as date)
        and p.paid_date < cast(:as_of as date)
        and p.status = 'paid'
        and p.amount > 0
),

dated_purchases as (
    select
        p.customer_key,
        p.paid_date,
        p.amount,
        p.first_date,
        (p.previous_date is null or p.paid_date > p.previous_date) as opens_day
    from purchases as p
),

customer_purchases as (
    select
        d.customer_key,
        min(d.first_date) as first_date,
        max(d.paid_date) as last_date,
        count(*) filter (where d.opens_day) - 1 as frequency,
        coalesce(sum(d.amount) filter (where d.paid_date > d.first_date), 0) as repeat_amount,
        count(*) filter (where d.opens_day and d.paid_date >= cast(:as_of as date) - 28) as purchases_28d,
        count(*) filter (where d.opens_day and d.paid_date >= cast(:as_of as date) - 90) as purchases_90d,
        coalesce(sum(d.amount) filter (where d.paid_date >= cast(:as_of as date) - 90), 0) as spend_90d,
        coalesce(sum(d.amount) filter (
            where d.paid_date >= cast(:as_of as date) - 180 and d.paid_date < cast(:as_of as date) - 90
        ), 0) as spend_90d_before,
        coalesce(sum(d.amount) filter (where d.paid_date >= cast(:as_of as date) - 365), 0) as spend_365d
    from dated_purchases as d
    group by d.customer_key
)

select
    c.customer_key,
    cast(c.frequency as integer) as frequency,
    cast(c.last_date - c.first_date as integer) as recency_days,
    cast(cast(:as_of as date) - c.first_date as integer) as t_days,
    cast(c.repeat_amount as double precision) / nullif(c.frequency, 0) as monetary_value,
    cast(cast(:as_of as date) - c.last_date as integer) as days_since_last_purchase,
    cast(c.purchases_28d as integer) as purchases_28d,
    cast(c.purchases_90d as integer) as purchases_90d,
    cast(c.spend_90d as double precision) as spend_90d,
    cast(c.spend_365d as double precision) as spend_365d,
    cast(c.spend_90d - c.spend_90d_before as double precision)
    / nullif(cast(c.spend_90d + c.spend_90d_before as double precision), 0) as spend_trend_90d,
    cast(cast(c.last_date - c.first_date as integer) as double precision)
    / nullif(c.frequency, 0) as purchase_interval_days
from customer_purchases as c
