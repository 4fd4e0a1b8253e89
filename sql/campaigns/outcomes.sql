-- name: outcomes
-- writes: ops.campaign_outcomes
-- grain: campaign member who entered at as_of and has no outcome yet
-- reads: ops.campaign_members, ops.campaign_outcomes, churn_labels, staging.payments, staging.subscription_periods, staging.usage_daily
-- params: as_of, horizon_days, matured_date, run_id
-- window: [as_of, as_of + horizon_days)
--
-- What became of a member within the horizon of the entry, measured once and never again. churned is the label's; null:
-- no customer at as_of, so nothing to measure. Revenue is what was paid minus what was paid back, as known at the end of
-- the horizon; without payments, the mrr earned day by day (30.4375 days a month). Active: any usage; null without any
-- usage in staging.
with due_members as (
    select
        m.campaign,
        m.customer_key
    from ops.campaign_members as m
    where
        m.as_of_date = cast(:as_of as date)
        and not exists (
            select 1
            from ops.campaign_outcomes as o
            where o.campaign = m.campaign and o.customer_key = m.customer_key
        )
),

due_customers as (
    select distinct d.customer_key
    from due_members as d
),

mapped_entities as (
    select
        coalesce((select true from staging.payments order by payment_id asc limit 1), false) as has_payments,
        coalesce((select true from staging.usage_daily order by customer_key asc limit 1), false) as has_usage
),

customer_payments as (
    select
        p.customer_key,
        sum(p.amount) as revenue
    from staging.payments as p
    inner join due_customers as d on p.customer_key = d.customer_key
    where
        p.paid_date >= cast(:as_of as date)
        and p.paid_date < cast(:as_of as date) + cast(:horizon_days as integer)
        and p.valid_from < cast(:as_of as date) + cast(:horizon_days as integer)
        and p.valid_to >= cast(:as_of as date) + cast(:horizon_days as integer)
        and (p.status = 'paid' or (p.status = 'refunded' and p.amount < 0))
    group by p.customer_key
),

covered_periods as (
    select
        p.customer_key,
        p.mrr,
        greatest(p.started_date, cast(:as_of as date)) as from_date,
        least(
            coalesce(p.ended_date, date '9999-12-31'), cast(:as_of as date) + cast(:horizon_days as integer)
        ) as to_date
    from staging.subscription_periods as p
    inner join due_customers as d on p.customer_key = d.customer_key
),

customer_contracts as (
    select
        p.customer_key,
        round(sum(p.mrr * (p.to_date - p.from_date)) / 30.4375, 2) as revenue
    from covered_periods as p
    where p.to_date > p.from_date
    group by p.customer_key
),

active_customers as (
    select distinct u.customer_key
    from staging.usage_daily as u
    inner join due_customers as d on u.customer_key = d.customer_key
    where
        u.usage_date >= cast(:as_of as date)
        and u.usage_date < cast(:as_of as date) + cast(:horizon_days as integer)
        and u.events > 0
)

insert into ops.campaign_outcomes (
    campaign, customer_key, as_of_date, matured_date, churned, revenue, is_active, run_id
)
select
    d.campaign,
    d.customer_key,
    cast(:as_of as date) as as_of_date,
    cast(:matured_date as date) as matured_date,
    l.churned,
    case when e.has_payments then coalesce(p.revenue, 0) else coalesce(c.revenue, 0) end as revenue,
    case when e.has_usage then a.customer_key is not null end as is_active,
    :run_id as run_id
from due_members as d
cross join mapped_entities as e
left join churn_labels as l on d.customer_key = l.customer_key
left join customer_payments as p on d.customer_key = p.customer_key
left join customer_contracts as c on d.customer_key = c.customer_key
left join active_customers as a on d.customer_key = a.customer_key
