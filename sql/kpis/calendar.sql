-- name: calendar
-- writes: none
-- grain: month
-- reads: none
-- params: first_date, as_of, horizon_days, grace_days
-- window: from the month of first_date to the month of as_of - 1
--
-- The last month runs up to as_of. A month is provisional until nothing that happens can change who left in it: until a
-- gap that began on its last day is longer than grace_days.
with month_starts as (
    select
        cast(s.month as date) as month,
        cast(s.month + interval '1 month' as date) as next_month
    from generate_series(
        date_trunc('month', cast(cast(:first_date as date) as timestamp)),
        date_trunc('month', cast(cast(:as_of as date) - 1 as timestamp)),
        interval '1 month'
    ) as s (month)
)

select
    m.month,
    least(m.next_month, cast(:as_of as date)) as month_end,
    cast(12 * date_part('year', m.month) + date_part('month', m.month) as integer) as month_number,
    m.next_month <= cast(:as_of as date) as is_complete,
    m.next_month + cast(:grace_days as integer) > cast(:as_of as date) as is_provisional,
    m.month + cast(:horizon_days as integer) as horizon_end,
    m.month + (cast(:horizon_days as integer) + cast(:grace_days as integer))
    <= cast(:as_of as date) as is_horizon_known
from month_starts as m
