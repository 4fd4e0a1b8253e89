-- name: purchases
-- writes: none
-- grain: customer × month with a purchase × time for which it was known as one
-- reads: staging.payments
-- params: as_of, horizon_days, inactivity_days
-- window: all history before as_of
--
-- Positive paid payments. Later a payment may be refunded, or turn out to have been paid: what a month knew of it as it
-- ended is what its label sees, so each version counts for its own time. known_month is the first month at whose end it
-- was known (12 × year + month). Somebody who bought is eligible as of the ends of the months up to eligible_to_month at
-- the latest, and has bought within the horizon of those from horizon_from_month on.
with known_purchases as (
    select
        p.customer_key,
        p.paid_date,
        p.valid_from,
        p.valid_to,
        greatest(p.paid_date, cast(p.valid_from as date)) as known_date
    from staging.payments as p
    where
        p.status = 'paid'
        and p.amount > 0
        and p.paid_date < cast(:as_of as date)
        and p.valid_from < cast(:as_of as date)
),

monthly_purchases as (
    select
        k.customer_key,
        k.valid_from,
        k.valid_to,
        cast(12 * date_part('year', k.paid_date) + date_part('month', k.paid_date) as integer) as paid_month,
        cast(12 * date_part('year', k.known_date) + date_part('month', k.known_date) as integer) as known_month,
        min(k.paid_date) as first_paid_date,
        max(k.paid_date) as last_paid_date
    from known_purchases as k
    group by k.customer_key, k.valid_from, k.valid_to, paid_month, known_month
),

bounded_purchases as (
    select
        m.customer_key,
        m.valid_from,
        m.valid_to,
        m.paid_month,
        m.known_month,
        m.first_paid_date,
        m.last_paid_date,
        m.last_paid_date + cast(:inactivity_days as integer) as eligible_to_date,
        m.first_paid_date - cast(:horizon_days as integer) as horizon_from_date
    from monthly_purchases as m
)

select
    b.customer_key,
    b.valid_from,
    b.valid_to,
    b.paid_month,
    b.known_month,
    b.first_paid_date,
    b.last_paid_date,
    cast(
        12 * date_part('year', b.eligible_to_date) + date_part('month', b.eligible_to_date) as integer
    ) as eligible_to_month,
    cast(
        12 * date_part('year', b.horizon_from_date) + date_part('month', b.horizon_from_date) as integer
    ) as horizon_from_month
from bounded_purchases as b
