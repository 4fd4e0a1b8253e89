-- name: customer_months_contractual
-- writes: none
-- grain: customer × month in which they were active at some time, or paid
-- reads: mrr_levels, mrr_plans, kpi_calendar, kpi_revenue, scores.month_segments, scores.customer_scores, scores.segment_nights
-- params: as_of, run_id
-- window: all history before as_of
--
-- Who was there as the month began and as it ended, and at what mrr, with gaps bridged. Churned is who was there at the
-- start and whose bridged coverage ended on a day of the month, as the label has it. Who arrives and leaves within the
-- month is at neither end. The plan is that of the start, or of the first day for those who arrive. The segment is that of
-- the start; for those who arrive that of the month's end, which tonight is for the last month: they had none before.
with month_states as materialized (
    select
        l.customer_key,
        m.month_number + 1 as month_number,
        l.mrr,
        l.is_covered,
        l.paid_date,
        l.ended_date
    from mrr_levels as l
    inner join kpi_calendar as m on l.from_month <= m.month_number and l.to_month > m.month_number
    where l.mrr > 0 and m.is_shown
),

month_arrivals as (
    select distinct on (l.customer_key, l.from_month)
        l.customer_key,
        l.from_month as month_number,
        l.paid_date,
        l.from_date = l.first_date as is_first
    from mrr_levels as l
    where l.is_arrival
    order by l.customer_key asc, l.from_month asc, l.from_date asc
),

present_customers as (
    select
        coalesce(s.customer_key, a.customer_key) as customer_key,
        coalesce(s.month_number, a.month_number) as month_number,
        coalesce(s.paid_date, a.paid_date) as paid_date,
        s.mrr,
        s.customer_key is not null as is_start,
        coalesce(s.is_covered, false) as is_covered,
        s.ended_date,
        coalesce(a.is_first, false) as is_first
    from month_states as s
    full outer join month_arrivals as a
        on s.customer_key = a.customer_key and s.month_number = a.month_number
),

known_customers as (
    select
        coalesce(p.customer_key, r.customer_key) as customer_key,
        coalesce(p.month_number, r.month_number) as month_number,
        p.customer_key is not null as is_present,
        p.paid_date,
        p.mrr,
        coalesce(p.is_start, false) as is_start,
        coalesce(p.is_covered, false) as is_covered,
        p.ended_date,
        coalesce(p.is_first, false) as is_first,
        r.revenue
    from present_customers as p
    full outer join kpi_revenue as r
        on p.customer_key = r.customer_key and p.month_number = r.month_number
),

compared_customers as (
    select
        k.customer_key,
        m.month,
        case when k.is_start then m.month else m.month_end end as segment_date,
        k.paid_date,
        k.is_present,
        k.is_start,
        k.is_first,
        e.customer_key is not null as is_end,
        k.is_start and coalesce(k.ended_date < m.month_end, false) as is_churned,
        k.is_covered and m.is_horizon_known as is_horizon_start,
        k.is_covered and m.is_horizon_known and coalesce(k.ended_date < m.horizon_end, false) as is_horizon_churned,
        coalesce(k.mrr, 0) as mrr_start,
        coalesce(e.mrr, 0) as mrr_end,
        k.revenue
    from known_customers as k
    inner join kpi_calendar as m on k.month_number = m.month_number
    left join month_states as e on k.customer_key = e.customer_key and k.month_number + 1 = e.month_number
),

segment_days as (
    select
        g.as_of_date,
        g.customer_key,
        g.segment
    from scores.month_segments as g
    where g.as_of_date < cast(:as_of as date)
    union all
    select
        s.as_of_date,
        s.customer_key,
        n.segment
    from scores.customer_scores as s
    inner join scores.segment_nights as n
        on s.as_of_date = n.as_of_date and s.run_id = n.run_id and s.segment_id = n.segment_id
    where s.as_of_date = cast(:as_of as date) and s.run_id = cast(:run_id as bigint)
)

select
    c.customer_key,
    c.month,
    coalesce(p.plan, '(none)') as plan,
    case
        when c.is_present and g.segment is not null then g.segment
        when c.is_start or not c.is_present then '(unknown)'
        when c.is_first then '(new)'
        else '(returned)'
    end as segment,
    c.is_start,
    c.is_end,
    c.is_churned,
    c.is_end and not c.is_start and c.is_first as is_new,
    c.is_end and (c.is_churned or (not c.is_start and not c.is_first)) as is_reactivated,
    c.is_horizon_start,
    c.is_horizon_churned,
    c.mrr_start,
    c.mrr_end,
    c.revenue
from compared_customers as c
left join mrr_plans as p on c.customer_key = p.customer_key and c.paid_date = p.paid_date
left join segment_days as g on c.segment_date = g.as_of_date and c.customer_key = g.customer_key
