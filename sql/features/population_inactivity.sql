-- name: population_inactivity
-- writes: none
-- grain: customer to score at as_of
-- reads: staging.payments
-- params: as_of, inactivity_days
-- window: [as_of - inactivity_days, as_of)
--
-- A positive paid payment in the window. There is no recurring revenue to report, so mrr is null.
select
    p.customer_key,
    cast(null as decimal(18, 2)) as mrr
from staging.payments as p
where
    p.valid_from < cast(:as_of as date)
    and p.valid_to >= cast(:as_of as date)
    and p.status = 'paid'
    and p.amount > 0
    and p.paid_date >= cast(:as_of as date) - cast(:inactivity_days as integer)
    and p.paid_date < cast(:as_of as date)
group by p.customer_key
