-- name: silence_settings
-- writes: none
-- grain: number of days that could be churn.inactivity_days
-- reads: activity_days
-- params: as_of
-- window: [as_of - 2 * days, as_of)
--
-- Looks back one setting from as_of: who was active then, and did nothing in the days since. Null where the source
-- does not reach back far enough to know.
with settings as (
    select cast(s.days as integer) as days
    from (values (14), (30), (45), (60), (90), (120), (180), (365)) as s (days)
),

lasts as (
    select
        a.customer_id,
        min(a.day) as first_day,
        max(a.day) as last_day
    from activity_days as a
    where a.day < cast(:as_of as date)
    group by a.customer_id
),

silent as (
    select
        s.days,
        count(*) as customers,
        count(*) filter (where l.last_day < cast(:as_of as date) - s.days) as silent,
        min(l.first_day) <= cast(:as_of as date) - 2 * s.days as is_known
    from settings as s
    cross join lasts as l
    group by s.days
),

active as (
    select
        s.days,
        a.customer_id,
        bool_or(a.day >= cast(:as_of as date) - s.days) as came_back
    from settings as s
    inner join activity_days as a
        on a.day >= cast(:as_of as date) - 2 * s.days and a.day < cast(:as_of as date)
    group by s.days, a.customer_id
    having bool_or(a.day < cast(:as_of as date) - s.days)
),

churned as (
    select
        a.days,
        count(*) as active_before,
        count(*) filter (where not a.came_back) as churned
    from active as a
    group by a.days
)

select
    s.days,
    s.customers,
    s.silent,
    cast(s.silent as double precision) / s.customers as silent_share,
    case when s.is_known then coalesce(c.active_before, 0) end as active_before,
    case when s.is_known then coalesce(c.churned, 0) end as churned,
    case when s.is_known then cast(c.churned as double precision) / c.active_before end as churn_rate
from silent as s
left join churned as c on s.days = c.days
order by s.days
