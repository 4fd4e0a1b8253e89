-- name: weeks
-- writes: none
-- grain: week, also one without a row
-- reads: entity_rows
-- params: as_of, most_weeks
-- window: [as_of - 7 * most_weeks, as_of)
with counted as (
    select
        cast(date_trunc('week', r.happened_on) as date) as week,
        count(*) as rows,
        count(distinct r.customer_id) as customers
    from entity_rows as r
    where
        r.happened_on < cast(:as_of as date)
        and r.happened_on >= cast(:as_of as date) - 7 * cast(:most_weeks as integer)
    group by cast(date_trunc('week', r.happened_on) as date)
),

weeks as (
    select cast(w.week as date) as week
    from generate_series(
        (select min(c.week) from counted as c), (select max(c.week) from counted as c), interval '7 days'
    ) as w (week)
)

select
    w.week,
    coalesce(c.rows, 0) as rows,
    coalesce(c.customers, 0) as customers
from weeks as w
left join counted as c on w.week = c.week
order by w.week
