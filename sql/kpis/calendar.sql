-- name: calendar
-- writes: none
-- grain: month
-- reads: kpi_revenue, staging.customers
-- params: first_active_date, as_of, horizon_days, grace_days
-- window: from the month of the first signup, active day or revenue to the month of as_of - 1
--
-- Figures are shown from the first month on in which somebody was active (first_active_date, null where nobody was yet)
-- or revenue came in: is_shown. Before it there are only cohorts, from the first signup on. Without a month to show there
-- is none at all. The last month runs up to as_of. A month is provisional until nothing that happens can change who left
-- in it: until a gap that began on its last day is longer than grace_days.
with first_revenues as (
    select min(r.month_number) as month_number
    from kpi_revenue as r
    where r.revenue <> 0
),

first_signups as (
    select min(c.signed_up_date) as signed_up_date
    from staging.customers as c
    where c.valid_from < cast(:as_of as date) and c.signed_up_date < cast(:as_of as date)
),

shown_from as (
    select
        least(
            cast(:first_active_date as date),
            make_date((r.month_number - 1) / 12, (r.month_number - 1) % 12 + 1, 1)
        ) as first_date
    from first_revenues as r
),

month_starts as (
    select
        cast(s.month as date) as month,
        cast(s.month + interval '1 month' as date) as next_month,
        s.month >= date_trunc('month', cast(f.first_date as timestamp)) as is_shown
    from shown_from as f
    cross join first_signups as u
    cross join
        lateral generate_series(
            date_trunc('month', cast(least(f.first_date, u.signed_up_date) as timestamp)),
            date_trunc('month', cast(cast(:as_of as date) - 1 as timestamp)),
            interval '1 month'
        ) as s (month)
    where f.first_date is not null
)

select
    m.month,
    least(m.next_month, cast(:as_of as date)) as month_end,
    cast(12 * date_part('year', m.month) + date_part('month', m.month) as integer) as month_number,
    m.is_shown,
    m.next_month <= cast(:as_of as date) as is_complete,
    m.next_month + cast(:grace_days as integer) > cast(:as_of as date) as is_provisional,
    m.month + cast(:horizon_days as integer) as horizon_end,
    m.month + (cast(:horizon_days as integer) + cast(:grace_days as integer))
    <= cast(:as_of as date) as is_horizon_known
from month_starts as m
