-- name: usage_catalogue
-- writes: none
-- grain: customer × event type
-- reads: staging.usage_daily
-- params: as_of
-- window: [as_of - 90, as_of)
--
-- Long form: every measure that a catalogue entry may ask for, by event type; entries pick theirs by name. Quantities
-- may be negative; a trend of them is null where either window's sum is.
with event_type_usage as (
    select
        u.customer_key,
        u.event_type,
        coalesce(sum(cast(u.events as double precision)) filter (
            where u.usage_date >= cast(:as_of as date) - 7
        ), 0) as count_7d,
        coalesce(sum(cast(u.events as double precision)) filter (
            where u.usage_date >= cast(:as_of as date) - 28
        ), 0) as count_28d,
        coalesce(sum(cast(u.events as double precision)) filter (
            where u.usage_date >= cast(:as_of as date) - 56 and u.usage_date < cast(:as_of as date) - 28
        ), 0) as count_28d_before,
        sum(cast(u.events as double precision)) as count_90d,
        coalesce(sum(u.quantity) filter (where u.usage_date >= cast(:as_of as date) - 7), 0) as sum_7d,
        coalesce(sum(u.quantity) filter (where u.usage_date >= cast(:as_of as date) - 28), 0) as sum_28d,
        coalesce(sum(u.quantity) filter (
            where u.usage_date >= cast(:as_of as date) - 56 and u.usage_date < cast(:as_of as date) - 28
        ), 0) as sum_28d_before,
        sum(u.quantity) as sum_90d,
        count(*) filter (where u.usage_date >= cast(:as_of as date) - 7) as active_days_7d,
        count(*) filter (where u.usage_date >= cast(:as_of as date) - 28) as active_days_28d,
        count(*) filter (
            where u.usage_date >= cast(:as_of as date) - 56 and u.usage_date < cast(:as_of as date) - 28
        ) as active_days_28d_before,
        count(*) as active_days_90d
    from staging.usage_daily as u
    where
        u.usage_date >= cast(:as_of as date) - 90
        and u.usage_date < cast(:as_of as date)
        and u.events > 0
    group by u.customer_key, u.event_type
)

select
    t.customer_key,
    t.event_type,
    t.count_7d,
    t.count_28d,
    t.count_90d,
    (t.count_28d - t.count_28d_before) / nullif(t.count_28d + t.count_28d_before, 0) as count_trend_28d,
    cast(t.sum_7d as double precision) as sum_7d,
    cast(t.sum_28d as double precision) as sum_28d,
    cast(t.sum_90d as double precision) as sum_90d,
    case
        when t.sum_28d >= 0 and t.sum_28d_before >= 0
            then
                cast(t.sum_28d - t.sum_28d_before as double precision)
                / nullif(cast(t.sum_28d + t.sum_28d_before as double precision), 0)
    end as sum_trend_28d,
    cast(t.active_days_7d as double precision) as active_days_7d,
    cast(t.active_days_28d as double precision) as active_days_28d,
    cast(t.active_days_90d as double precision) as active_days_90d,
    cast(t.active_days_28d - t.active_days_28d_before as double precision)
    / nullif(t.active_days_28d + t.active_days_28d_before, 0) as active_days_trend_28d
from event_type_usage as t
