-- name: subscription_periods
-- writes: view staging.subscription_periods
-- grain: subscription × version with a period of its own
-- reads: staging.subscriptions
-- params: none
-- window: none
--
-- Plan and mrr are those in force at the time; the dates are those of the latest version. A row deleted in the
-- source ends when that was learned.
with latest_versions as (
    select distinct on (s.subscription_id)
        s.subscription_id,
        s.started_date,
        s.ended_date
    from staging.subscriptions as s
    order by s.subscription_id asc, s.valid_from desc
),

periods as (
    select
        s.subscription_id,
        s.customer_key,
        s.plan,
        s.mrr,
        s.billing_months,
        s.discount_until,
        greatest(l.started_date, cast(s.valid_from as date)) as started_date,
        case
            when s.valid_to = timestamp '9999-12-31' then l.ended_date
            else least(coalesce(l.ended_date, date '9999-12-31'), cast(s.valid_to as date))
        end as ended_date
    from staging.subscriptions as s
    inner join latest_versions as l on s.subscription_id = l.subscription_id
)

select
    p.subscription_id,
    p.customer_key,
    p.plan,
    p.mrr,
    p.billing_months,
    p.discount_until,
    p.started_date,
    p.ended_date
from periods as p
where p.ended_date is null or p.started_date < p.ended_date
