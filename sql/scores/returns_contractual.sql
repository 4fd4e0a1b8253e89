-- name: returns_contractual
-- writes: none
-- grain: customer whose paid coverage resumed in the last 180 days
-- reads: staging.subscription_periods
-- params: as_of, grace_days
-- window: [as_of - 180, as_of); what was covered before over all history
--
-- Won back: paid coverage (mrr > 0, parallel and adjoining periods merged) begins again more than grace_days after it
-- had ended, which is what the label calls churn; whatever is shorter was never a loss.
with paid_periods as (
    select
        p.customer_key,
        p.started_date,
        max(coalesce(p.ended_date, date '9999-12-31')) over (
            partition by p.customer_key
            order by p.started_date asc, p.subscription_id asc
            rows between unbounded preceding and 1 preceding
        ) as covered_before_to
    from staging.subscription_periods as p
    where p.mrr > 0 and p.started_date < cast(:as_of as date)
)

select
    p.customer_key,
    max(p.started_date) as returned_date
from paid_periods as p
where
    p.started_date >= cast(:as_of as date) - 180
    and p.started_date - cast(:grace_days as integer) > p.covered_before_to
group by p.customer_key
