-- name: realised_contracts
-- writes: none
-- grain: customer active at from_date
-- reads: staging.subscription_periods
-- params: from_date, months
-- window: [from_date, from_date + months), months of 365.25 / 12 days
--
-- What contracts brought: the mrr at the end of each month, of customers who were active when the first began. Those who
-- left bring nothing, those who came back bring again.
with month_ends as (
    select cast(:from_date as date) + cast(round(m.month * 30.4375) as integer) as paid_date
    from generate_series(1, cast(:months as integer)) as m (month)
),

paid_periods as (
    select
        p.customer_key,
        p.mrr,
        p.started_date,
        coalesce(p.ended_date, date '9999-12-31') as ended_date
    from staging.subscription_periods as p
    where p.mrr > 0
),

active_customers as (
    select distinct p.customer_key
    from paid_periods as p
    where p.started_date < cast(:from_date as date) and p.ended_date >= cast(:from_date as date)
),

customer_revenues as (
    select
        p.customer_key,
        sum(p.mrr) as revenue
    from paid_periods as p
    inner join month_ends as m on p.started_date < m.paid_date and p.ended_date >= m.paid_date
    group by p.customer_key
)

select
    a.customer_key,
    cast(coalesce(r.revenue, 0) as double precision) as revenue
from active_customers as a
left join customer_revenues as r on a.customer_key = r.customer_key
order by a.customer_key asc
