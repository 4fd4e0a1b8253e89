-- name: returns_inactivity
-- writes: none
-- grain: customer who bought again in the last inactivity_days after a longer silence
-- reads: staging.payments
-- params: as_of, inactivity_days
-- window: [as_of - inactivity_days, as_of); the silence before over all history
--
-- Won back: a positive paid payment more than inactivity_days after the one before, so that the customer had ceased
-- to be one in between.
with purchases as (
    select
        p.customer_key,
        p.paid_date,
        lag(p.paid_date) over (partition by p.customer_key order by p.paid_date asc) as previous_date
    from staging.payments as p
    where
        p.valid_from < cast(:as_of as date)
        and p.valid_to >= cast(:as_of as date)
        and p.paid_date < cast(:as_of as date)
        and p.status = 'paid'
        and p.amount > 0
)

select
    p.customer_key,
    max(p.paid_date) as returned_date
from purchases as p
where
    p.paid_date >= cast(:as_of as date) - cast(:inactivity_days as integer)
    and p.paid_date - cast(:inactivity_days as integer) > p.previous_date
group by p.customer_key
