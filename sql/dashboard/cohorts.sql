-- name: cohorts
-- writes: none
-- grain: signup month × months since, of the last signup months
-- reads: bi.retention_cohorts
-- params: months
-- window: none
with ranked_months as (
    select
        c.signup_month,
        c.months_since,
        c.customers,
        c.retained,
        c.retention_rate,
        c.revenue,
        c.is_provisional,
        dense_rank() over (order by c.signup_month desc) as months_back
    from bi.retention_cohorts as c
)

select
    r.signup_month,
    r.months_since,
    r.customers,
    r.retained,
    r.retention_rate,
    r.revenue,
    r.revenue / nullif(r.customers, 0) as revenue_per_customer,
    r.is_provisional
from ranked_months as r
where r.months_back <= cast(:months as integer)
order by r.signup_month, r.months_since
