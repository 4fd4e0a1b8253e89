-- name: tenure
-- writes: none
-- grain: customer
-- reads: staging.customers, staging.subscription_periods
-- params: as_of
-- window: all history before as_of
--
-- Paid periods only (mrr > 0). An end on or after as_of counts as open. Where several subscriptions are active, the
-- plan is that of the dearest one, then of the one that started first.
with paid_periods as (
    select
        p.subscription_id,
        p.customer_key,
        p.plan,
        p.mrr,
        p.started_date,
        case
            when p.ended_date < cast(:as_of as date) then p.ended_date
            else cast(:as_of as date)
        end as covered_to,
        (p.ended_date is null or p.ended_date >= cast(:as_of as date)) as is_active
    from staging.subscription_periods as p
    where p.mrr > 0 and p.started_date < cast(:as_of as date)
),

ordered_periods as (
    select
        p.customer_key,
        p.plan,
        p.started_date,
        p.covered_to,
        p.is_active,
        max(p.covered_to) over (
            partition by p.customer_key
            order by p.started_date asc, p.subscription_id asc
            rows between unbounded preceding and 1 preceding
        ) as covered_before_to,
        lag(p.plan) over (
            partition by p.customer_key
            order by p.started_date asc, p.subscription_id asc
        ) as customers_previous_plan,
        min(p.started_date) over (partition by p.subscription_id) as subscribed_date,
        lag(p.plan) over (
            partition by p.subscription_id
            order by p.started_date asc
        ) as subscriptions_previous_plan,
        row_number() over (
            partition by p.customer_key
            order by p.is_active desc, p.mrr desc, p.started_date asc, p.subscription_id asc
        ) as importance_rank
    from paid_periods as p
),

compared_periods as (
    select
        p.customer_key,
        p.plan,
        p.started_date,
        p.subscribed_date,
        p.is_active,
        p.importance_rank,
        p.started_date > p.covered_before_to as follows_gap,
        case
            when p.covered_before_to > p.covered_to then 0
            when p.covered_before_to > p.started_date then cast(p.covered_to - p.covered_before_to as integer)
            else cast(p.covered_to - p.started_date as integer)
        end as added_days,
        p.plan <> case
            when p.started_date > p.subscribed_date then p.subscriptions_previous_plan
            else p.customers_previous_plan
        end as changes_plan
    from ordered_periods as p
),

paid_customers as (
    select
        p.customer_key,
        cast(sum(p.added_days) as integer) as paid_tenure_days,
        min(p.subscribed_date) filter (where p.is_active) as subscribed_date,
        cast(count(*) filter (where p.is_active) as integer) as active_subscriptions,
        cast(count(*) filter (
            where p.changes_plan and p.started_date >= cast(:as_of as date) - 365
        ) as integer) as plan_changes_365d,
        max(p.started_date) filter (where p.changes_plan) as plan_changed_date,
        cast(count(*) filter (where p.follows_gap) as integer) as past_gaps,
        max(p.plan) filter (where p.is_active and p.importance_rank = 1) as plan
    from compared_periods as p
    group by p.customer_key
),

known_customers as (
    select
        c.customer_key,
        min(c.signed_up_date) as signed_up_date
    from staging.customers as c
    where
        c.valid_from < cast(:as_of as date)
        and c.valid_to >= cast(:as_of as date)
        and c.signed_up_date < cast(:as_of as date)
    group by c.customer_key
)

select
    coalesce(k.customer_key, p.customer_key) as customer_key,
    cast(cast(:as_of as date) - k.signed_up_date as integer) as tenure_days,
    p.paid_tenure_days,
    cast(cast(:as_of as date) - p.subscribed_date as integer) as subscription_age_days,
    p.active_subscriptions,
    p.plan_changes_365d,
    cast(cast(:as_of as date) - p.plan_changed_date as integer) as days_since_plan_change,
    p.past_gaps,
    p.plan
from known_customers as k
full outer join paid_customers as p on k.customer_key = p.customer_key
