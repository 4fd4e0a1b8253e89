-- name: contractual
-- writes: none
-- grain: customer who is active at as_of
-- reads: staging.subscription_periods
-- params: as_of, horizon_days, grace_days
-- window: [as_of, as_of + horizon_days + grace_days)
--
-- Churned: paid coverage (mrr > 0, parallel and adjoining periods merged) ends in [as_of, as_of + horizon_days) and is
-- not resumed within grace_days. A period that starts on or after as_of + horizon_days + grace_days is not looked at,
-- and an end from then on counts as open, so the label stays what it was when it matured.
with paid_periods as (
    select
        p.customer_key,
        p.started_date,
        case
            when
                p.ended_date
                < cast(:as_of as date) + (cast(:horizon_days as integer) + cast(:grace_days as integer))
                then p.ended_date
            else cast(:as_of as date) + (cast(:horizon_days as integer) + cast(:grace_days as integer))
        end as covered_to
    from staging.subscription_periods as p
    where
        p.mrr > 0
        and p.started_date
        < cast(:as_of as date) + (cast(:horizon_days as integer) + cast(:grace_days as integer))
        and (p.ended_date is null or p.ended_date >= cast(:as_of as date))
),

coverages as (
    select
        p.customer_key,
        p.started_date,
        max(p.covered_to) over (
            partition by p.customer_key
            order by p.started_date asc, p.covered_to asc
            rows between unbounded preceding and current row
        ) as covered_to,
        lead(p.started_date) over (
            partition by p.customer_key
            order by p.started_date asc, p.covered_to asc
        ) as next_started_date
    from paid_periods as p
),

customer_coverages as (
    select
        c.customer_key,
        min(c.started_date) as first_started_date,
        min(c.covered_to) filter (
            where c.next_started_date is null
            or c.next_started_date > c.covered_to + cast(:grace_days as integer)
        ) as coverage_ended_date
    from coverages as c
    group by c.customer_key
)

select
    c.customer_key,
    c.coverage_ended_date < cast(:as_of as date) + cast(:horizon_days as integer) as churned
from customer_coverages as c
where c.first_started_date < cast(:as_of as date)
