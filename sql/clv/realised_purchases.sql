-- name: realised_purchases
-- writes: none
-- grain: customer with a purchase in the inactivity_days before from_date
-- reads: staging.payments
-- params: from_date, to_date, inactivity_days
-- window: [from_date, to_date)
--
-- What buyers brought, net of refunds: those who would have been scored at from_date, as known then; their payments as
-- known at to_date.
with active_customers as (
    select distinct p.customer_key
    from staging.payments as p
    where
        p.status = 'paid'
        and p.amount > 0
        and p.paid_date >= cast(:from_date as date) - cast(:inactivity_days as integer)
        and p.paid_date < cast(:from_date as date)
        and p.valid_from < cast(:from_date as date)
        and p.valid_to >= cast(:from_date as date)
),

customer_revenues as (
    select
        p.customer_key,
        sum(p.amount) as revenue
    from staging.payments as p
    where
        p.paid_date >= cast(:from_date as date)
        and p.paid_date < cast(:to_date as date)
        and p.valid_from < cast(:to_date as date)
        and p.valid_to >= cast(:to_date as date)
        and (p.status = 'paid' or (p.status = 'refunded' and p.amount < 0))
    group by p.customer_key
)

select
    a.customer_key,
    cast(coalesce(r.revenue, 0) as double precision) as revenue
from active_customers as a
left join customer_revenues as r on a.customer_key = r.customer_key
order by a.customer_key asc
