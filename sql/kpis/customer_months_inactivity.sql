-- name: customer_months_inactivity
-- writes: none
-- grain: customer × month in which they were eligible, bought or had money back
-- reads: kpi_purchases, kpi_calendar, kpi_revenue, scores.month_segments, scores.customer_scores, scores.segment_nights
-- params: as_of, run_id, inactivity_days
-- window: all history before as_of
--
-- Eligible as the month began or ended: a purchase in the inactivity_days before. Churned is who was eligible at the start
-- and bought nothing in the month, as the label has it for a horizon of the month's length; who has churned stays
-- eligible until the last purchase is inactivity_days old. New is who has a purchase for the first time, reactivated any
-- other buyer who was not eligible at the start. The segment is that of the start; for those who arrive that of the
-- month's end, which tonight is for the last month.
with eligible_ends as materialized (
    select distinct
        p.customer_key,
        m.month_number
    from kpi_purchases as p
    inner join kpi_calendar as m on p.paid_month <= m.month_number and p.eligible_to_month >= m.month_number
    where
        m.is_shown
        and p.last_paid_date >= m.month_end - cast(:inactivity_days as integer)
        and p.valid_from < m.month_end
        and p.valid_to >= m.month_end
),

buyers as (
    select distinct
        p.customer_key,
        p.paid_month as month_number
    from kpi_purchases as p
    inner join kpi_calendar as m on p.paid_month = m.month_number
    where p.valid_from < m.month_end and p.valid_to >= m.month_end
),

horizon_buyers as (
    select distinct
        p.customer_key,
        m.month_number
    from kpi_purchases as p
    inner join kpi_calendar as m on p.horizon_from_month <= m.month_number and p.paid_month >= m.month_number
    where
        m.is_shown
        and m.is_horizon_known
        and p.first_paid_date < m.horizon_end
        and p.valid_from < m.horizon_end
        and p.valid_to >= m.horizon_end
),

first_purchases as (
    select
        p.customer_key,
        min(p.known_month) as month_number
    from kpi_purchases as p
    inner join kpi_calendar as m on p.known_month = m.month_number
    where p.valid_to >= m.month_end
    group by p.customer_key
),

customer_facts as (
    select
        e.customer_key,
        e.month_number + 1 as month_number,
        true as is_start,
        false as is_end,
        false as is_buyer,
        cast(null as numeric) as revenue
    from eligible_ends as e
    union all
    select
        e.customer_key,
        e.month_number,
        false as is_start,
        true as is_end,
        false as is_buyer,
        cast(null as numeric) as revenue
    from eligible_ends as e
    union all
    select
        b.customer_key,
        b.month_number,
        false as is_start,
        false as is_end,
        true as is_buyer,
        cast(null as numeric) as revenue
    from buyers as b
    union all
    select
        r.customer_key,
        r.month_number,
        false as is_start,
        false as is_end,
        false as is_buyer,
        r.revenue
    from kpi_revenue as r
),

compared_customers as (
    select
        f.customer_key,
        f.month_number,
        bool_or(f.is_start) as is_start,
        bool_or(f.is_end) as is_end,
        bool_or(f.is_buyer) as is_buyer,
        bool_or(f.is_buyer or f.is_end) and not bool_or(f.is_start) as is_arrival,
        sum(f.revenue) as revenue
    from customer_facts as f
    group by f.customer_key, f.month_number
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
    m.month,
    cast(null as text) as plan,
    case
        when (c.is_start or c.is_arrival) and g.segment is not null then g.segment
        when c.is_start or not c.is_arrival then '(unknown)'
        when c.month_number = p.month_number then '(new)'
        else '(returned)'
    end as segment,
    c.is_start,
    c.is_end,
    c.is_start and not c.is_buyer as is_churned,
    c.is_arrival and coalesce(c.month_number = p.month_number, false) as is_new,
    c.is_arrival and coalesce(c.month_number <> p.month_number, true) as is_reactivated,
    c.is_start and m.is_horizon_known as is_horizon_start,
    c.is_start and m.is_horizon_known and h.customer_key is null as is_horizon_churned,
    cast(null as numeric) as mrr_start,
    cast(null as numeric) as mrr_end,
    c.revenue
from compared_customers as c
inner join kpi_calendar as m on c.month_number = m.month_number
left join horizon_buyers as h on c.customer_key = h.customer_key and c.month_number = h.month_number
left join first_purchases as p on c.customer_key = p.customer_key
left join segment_days as g
    on case when c.is_start then m.month else m.month_end end = g.as_of_date and c.customer_key = g.customer_key
