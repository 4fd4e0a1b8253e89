-- name: inactivity
-- writes: none
-- grain: customer with a purchase in the inactivity_days before as_of
-- reads: staging.payments
-- params: as_of, horizon_days, inactivity_days
-- window: [as_of, as_of + horizon_days)
--
-- Churned: no positive paid payment in [as_of, as_of + horizon_days). Payments before as_of count as they were known
-- at as_of, those from then on as they were known at the end of the horizon.
with purchases as (
    select
        p.customer_key,
        p.paid_date < cast(:as_of as date) as is_past
    from staging.payments as p
    where
        p.status = 'paid'
        and p.amount > 0
        and p.paid_date >= cast(:as_of as date) - cast(:inactivity_days as integer)
        and p.paid_date < cast(:as_of as date) + cast(:horizon_days as integer)
        and p.valid_from < case
            when p.paid_date < cast(:as_of as date) then cast(:as_of as date)
            else cast(:as_of as date) + cast(:horizon_days as integer)
        end
        and p.valid_to >= case
            when p.paid_date < cast(:as_of as date) then cast(:as_of as date)
            else cast(:as_of as date) + cast(:horizon_days as integer)
        end
)

select
    p.customer_key,
    count(*) filter (where not p.is_past) = 0 as churned
from purchases as p
group by p.customer_key
having count(*) filter (where p.is_past) > 0
