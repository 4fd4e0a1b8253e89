-- name: population_contractual
-- writes: none
-- grain: customer to score at as_of
-- reads: staging.subscription_periods
-- params: as_of
-- window: none
--
-- Active at as_of: a paid subscription started before as_of and not ended before it. Parallel ones add up. A
-- customer inside a gap, on a trial or on a free plan is not scored.
select
    p.customer_key,
    sum(p.mrr) as mrr
from staging.subscription_periods as p
where
    p.mrr > 0
    and p.started_date < cast(:as_of as date)
    and (p.ended_date is null or p.ended_date >= cast(:as_of as date))
group by p.customer_key
