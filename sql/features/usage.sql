-- name: usage
-- writes: none
-- grain: customer
-- reads: staging.usage_daily
-- params: as_of
-- window: [as_of - 180, as_of)
--
-- Rows are brought to one per customer and day for the last 90 days, and to one per customer for the 90 days before,
-- so that only days are sorted. Events are whole numbers: as double precision they add up exactly. A gap is a run of days without any event: between two
-- active days of the last 90, or from the last of them up to as_of; days before the first of them don't count, as the
-- customer may not have been there. Days since the last usage look back 180 days.
with active_days as (
    select
        u.customer_key,
        u.usage_date,
        sum(cast(u.events as double precision)) as events
    from staging.usage_daily as u
    where
        u.usage_date >= cast(:as_of as date) - 90
        and u.usage_date < cast(:as_of as date)
        and u.events > 0
    group by u.customer_key, u.usage_date
),

spaced_days as (
    select
        d.customer_key,
        d.usage_date,
        d.events,
        lag(d.usage_date) over (partition by d.customer_key order by d.usage_date asc) as previous_date
    from active_days as d
),

recent_customers as (
    select
        d.customer_key,
        sum(d.events) filter (where d.usage_date >= cast(:as_of as date) - 7) as events_7d,
        sum(d.events) filter (
            where d.usage_date >= cast(:as_of as date) - 14 and d.usage_date < cast(:as_of as date) - 7
        ) as events_7d_before,
        sum(d.events) filter (where d.usage_date >= cast(:as_of as date) - 28) as events_28d,
        sum(d.events) filter (
            where d.usage_date >= cast(:as_of as date) - 56 and d.usage_date < cast(:as_of as date) - 28
        ) as events_28d_before,
        sum(d.events) as events_90d,
        count(*) filter (where d.usage_date >= cast(:as_of as date) - 7) as active_days_7d,
        count(*) filter (where d.usage_date >= cast(:as_of as date) - 28) as active_days_28d,
        count(*) filter (
            where d.usage_date >= cast(:as_of as date) - 56 and d.usage_date < cast(:as_of as date) - 28
        ) as active_days_28d_before,
        count(*) as active_days_90d,
        max(d.usage_date) as last_usage_date,
        max(cast(d.usage_date - d.previous_date as integer) - 1) as longest_closed_gap_days
    from spaced_days as d
    group by d.customer_key
),

earlier_customers as (
    select
        u.customer_key,
        sum(cast(u.events as double precision)) as events_90d_before,
        max(u.usage_date) as last_usage_date
    from staging.usage_daily as u
    where
        u.usage_date >= cast(:as_of as date) - 180
        and u.usage_date < cast(:as_of as date) - 90
        and u.events > 0
    group by u.customer_key
),

used_event_types as (
    select
        u.customer_key,
        u.event_type,
        sum(u.quantity) as quantity
    from staging.usage_daily as u
    where
        u.usage_date >= cast(:as_of as date) - 28
        and u.usage_date < cast(:as_of as date)
        and u.events > 0
    group by u.customer_key, u.event_type
),

customer_event_types as (
    select
        t.customer_key,
        count(*) as event_types_28d,
        sum(t.quantity) as quantity_28d
    from used_event_types as t
    group by t.customer_key
),

customer_usage as (
    select
        coalesce(r.customer_key, e.customer_key) as customer_key,
        coalesce(r.events_7d, 0) as events_7d,
        coalesce(r.events_7d_before, 0) as events_7d_before,
        coalesce(r.events_28d, 0) as events_28d,
        coalesce(r.events_28d_before, 0) as events_28d_before,
        coalesce(r.events_90d, 0) as events_90d,
        coalesce(e.events_90d_before, 0) as events_90d_before,
        coalesce(r.active_days_7d, 0) as active_days_7d,
        coalesce(r.active_days_28d, 0) as active_days_28d,
        coalesce(r.active_days_28d_before, 0) as active_days_28d_before,
        coalesce(r.active_days_90d, 0) as active_days_90d,
        cast(
            cast(:as_of as date) - coalesce(r.last_usage_date, e.last_usage_date) as integer
        ) as days_since_last,
        r.longest_closed_gap_days,
        cast(cast(:as_of as date) - r.last_usage_date as integer) - 1 as open_gap_days
    from recent_customers as r
    full outer join earlier_customers as e on r.customer_key = e.customer_key
)

select
    c.customer_key,
    c.events_7d,
    c.events_28d,
    c.events_90d,
    (c.events_7d - c.events_7d_before) / nullif(c.events_7d + c.events_7d_before, 0) as events_trend_7d,
    (c.events_28d - c.events_28d_before) / nullif(c.events_28d + c.events_28d_before, 0) as events_trend_28d,
    (c.events_90d - c.events_90d_before) / nullif(c.events_90d + c.events_90d_before, 0) as events_trend_90d,
    cast(coalesce(t.quantity_28d, 0) as double precision) as quantity_28d,
    cast(c.active_days_7d as integer) as active_days_7d,
    cast(c.active_days_28d as integer) as active_days_28d,
    cast(c.active_days_90d as integer) as active_days_90d,
    cast(c.active_days_28d - c.active_days_28d_before as double precision)
    / nullif(c.active_days_28d + c.active_days_28d_before, 0) as active_days_trend_28d,
    cast(coalesce(t.event_types_28d, 0) as integer) as event_types_28d,
    c.days_since_last as days_since_last_usage,
    case
        when c.longest_closed_gap_days > c.open_gap_days then c.longest_closed_gap_days
        else c.open_gap_days
    end as longest_gap_days_90d
from customer_usage as c
left join customer_event_types as t on c.customer_key = t.customer_key
