-- name: mrr_plans
-- writes: none
-- grain: customer × date from which they paid what counts at the start of a month, or on which they arrived
-- reads: mrr_levels, staging.subscription_periods
-- params: none
-- window: all history before as_of
--
-- The plan of the dearest paid subscription, then of the one that started first, as the feature plan has it.
with wanted_dates as (
    select distinct
        l.customer_key,
        l.paid_date
    from mrr_levels as l
    where l.mrr > 0 and (l.from_month < l.to_month or l.is_arrival)
)

select distinct on (w.customer_key, w.paid_date)
    w.customer_key,
    w.paid_date,
    p.plan
from wanted_dates as w
inner join staging.subscription_periods as p
    on
        w.customer_key = p.customer_key
        and w.paid_date >= p.started_date
        and (p.ended_date is null or w.paid_date < p.ended_date)
where p.mrr > 0
order by w.customer_key asc, w.paid_date asc, p.mrr desc, p.started_date asc, p.subscription_id asc
