-- name: subscriptions
-- writes: incoming_subscriptions, quarantined_rows (temporary)
-- grain: subscription
-- reads: load_subscriptions, staging.customers
-- params: latest_at
-- window: none
--
-- Usable rows go on, the rest are put aside with the first reason that applies. An end that is infinite or in the year
-- 9999 means open. Months between bills that are no whole number from 1 to 120, and a discount without an end, are null.
with checked_rows as (
    select
        l.subscription_id,
        l.customer_id,
        c.customer_key,
        l.plan,
        l.mrr,
        l.started_at,
        case when l.ended_at < timestamp '9999-01-01' then l.ended_at end as ended_at,
        case
            when l.billing_months between 1 and 120 and l.billing_months = trunc(l.billing_months)
                then cast(l.billing_months as integer)
        end as billing_months,
        case when isfinite(l.discount_until) then cast(l.discount_until as date) end as discount_until,
        case when isfinite(l.updated_at) then l.updated_at end as updated_at,
        case
            when coalesce(l.subscription_id, '') = '' then 'key_missing'
            when length(l.subscription_id) > 200 then 'key_too_long'
            when coalesce(l.customer_id, '') = '' then 'customer_missing'
            when length(l.customer_id) > 200 then 'customer_id_too_long'
            when l.started_at is null then 'time_missing'
            when not isfinite(l.started_at) or l.started_at < timestamp '1900-01-01' then 'time_out_of_range'
            when l.started_at > cast(:latest_at as timestamp) then 'time_in_future'
            when l.ended_at < l.started_at then 'ends_before_start'
            when l.mrr is null then 'mrr_missing'
            when l.mrr in (numeric 'NaN', numeric 'Infinity', numeric '-Infinity') then 'not_finite'
            when c.customer_key is null then 'customer_unknown'
        end as reason
    from load_subscriptions as l
    left join staging.customers as c on l.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
),

numbered_rows as (
    select
        r.subscription_id,
        r.customer_id,
        r.customer_key,
        r.plan,
        r.mrr,
        r.started_at,
        r.ended_at,
        r.billing_months,
        r.discount_until,
        r.updated_at,
        r.reason,
        row_number() over (
            partition by r.subscription_id, r.reason is null
            order by
                r.updated_at desc nulls last,
                r.started_at desc nulls last,
                r.ended_at desc nulls first,
                r.mrr desc nulls last,
                r.customer_key asc nulls last,
                r.plan asc nulls last,
                r.billing_months asc nulls last,
                r.discount_until asc nulls last
        ) as copy
    from checked_rows as r
),

put_aside as (
    insert into quarantined_rows (entity, reason, row_key)
    select
        'subscriptions' as entity,
        coalesce(n.reason, 'duplicate_key') as reason,
        left(coalesce(nullif(n.subscription_id, ''), n.customer_id, ''), 200) as row_key
    from numbered_rows as n
    where n.reason is not null or n.copy > 1
)

insert into incoming_subscriptions (
    subscription_id,
    customer_key,
    plan,
    mrr,
    started_at,
    started_date,
    ended_at,
    ended_date,
    billing_months,
    discount_until,
    updated_at
)
select
    n.subscription_id,
    n.customer_key,
    n.plan,
    n.mrr,
    n.started_at,
    cast(n.started_at as date) as started_date,
    n.ended_at,
    cast(n.ended_at as date) as ended_date,
    n.billing_months,
    n.discount_until,
    n.updated_at
from numbered_rows as n
where n.reason is null and n.copy = 1
