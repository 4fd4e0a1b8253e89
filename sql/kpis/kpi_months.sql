-- name: kpi_months
-- writes: scores.kpi_months
-- grain: month × dimension × value
-- reads: kpi_customer_months, kpi_calendar, staging.payments, ops.published, ops.past_nights, scores.clv_totals
-- params: as_of, run_id, is_contractual
-- window: all history before as_of
--
-- Counts and sums of the customers of a month: all of them, and by plan and segment. Every customer of a month has one
-- plan and one segment in it, so the values of a dimension add up. Nothing is rounded. avg_clv is of the last night of
-- the month that was published, tonight's for the month that is not over, and of whoever was in the segment or plan on
-- that night; a night that is not kept any more left its totals. A night has a CLV for all of its customers or for none.
insert into scores.kpi_months (
    as_of_date, run_id, month, dimension, value, customers_start, new, reactivated, churned, customers_end,
    mrr_start, mrr_new, mrr_expansion, mrr_contraction, mrr_churned, mrr_reactivated, mrr_end, revenue, avg_clv,
    horizon_customers, horizon_churned, is_provisional
)
with month_sums as (
    select
        c.month,
        case
            when grouping(c.plan) = 0 then 'plan'
            when grouping(c.segment) = 0 then 'segment'
            else 'all'
        end as dimension,
        case
            when grouping(c.plan) = 0 then c.plan
            when grouping(c.segment) = 0 then c.segment
            else 'all'
        end as value,
        count(*) filter (where c.is_start) as customers_start,
        count(*) filter (where c.is_new) as new,
        count(*) filter (where c.is_reactivated) as reactivated,
        count(*) filter (where c.is_churned) as churned,
        count(*) filter (where c.is_end) as customers_end,
        sum(c.mrr_start) as mrr_start,
        sum(c.mrr_end) filter (where c.is_new) as mrr_new,
        sum(greatest(c.mrr_end - c.mrr_start, 0)) filter (where c.is_start and not c.is_churned) as mrr_expansion,
        sum(greatest(c.mrr_start - c.mrr_end, 0)) filter (where c.is_start and not c.is_churned) as mrr_contraction,
        sum(c.mrr_start) filter (where c.is_churned) as mrr_churned,
        sum(c.mrr_end) filter (where c.is_reactivated) as mrr_reactivated,
        sum(c.mrr_end) as mrr_end,
        sum(c.revenue) as revenue,
        count(*) filter (where c.is_horizon_start) as horizon_customers,
        count(*) filter (where c.is_horizon_churned) as horizon_churned
    from kpi_customer_months as c
    group by grouping sets ((c.month), (c.month, c.plan), (c.month, c.segment))
),

shown_months as (
    select
        m.month,
        'all' as dimension,
        'all' as value
    from kpi_calendar as m
    where m.is_shown
    union all
    select
        s.month,
        s.dimension,
        s.value
    from month_sums as s
    where s.dimension <> 'all' and s.value is not null
),

clv_nights as (
    select distinct on (date_trunc('month', cast(n.as_of_date - 1 as timestamp)))
        cast(date_trunc('month', cast(n.as_of_date - 1 as timestamp)) as date) as month,
        n.as_of_date,
        n.run_id
    from (
        select
            p.as_of_date,
            p.run_id
        from ops.published as p
        where p.as_of_date < cast(:as_of as date)
        union all
        select
            h.as_of_date,
            h.run_id
        from ops.past_nights as h
        where
            h.as_of_date < cast(:as_of as date)
            and not exists (
                select 1
                from ops.published as o
                where o.as_of_date = h.as_of_date
            )
        union all
        select
            cast(:as_of as date) as as_of_date,
            cast(:run_id as bigint) as run_id
    ) as n
    order by date_trunc('month', cast(n.as_of_date - 1 as timestamp)) asc, n.as_of_date desc
),

clv_averages as (
    select
        n.month,
        t.dimension,
        t.value,
        nullif(t.clv, 0) / nullif(t.customers, 0) as avg_clv
    from clv_nights as n
    inner join scores.clv_totals as t on n.as_of_date = t.as_of_date and n.run_id = t.run_id
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    m.month,
    w.dimension,
    w.value,
    coalesce(s.customers_start, 0) as customers_start,
    coalesce(s.new, 0) as new,
    coalesce(s.reactivated, 0) as reactivated,
    coalesce(s.churned, 0) as churned,
    coalesce(s.customers_end, 0) as customers_end,
    case when cast(:is_contractual as boolean) then coalesce(s.mrr_start, 0) end as mrr_start,
    case when cast(:is_contractual as boolean) then coalesce(s.mrr_new, 0) end as mrr_new,
    case when cast(:is_contractual as boolean) then coalesce(s.mrr_expansion, 0) end as mrr_expansion,
    case when cast(:is_contractual as boolean) then coalesce(s.mrr_contraction, 0) end as mrr_contraction,
    case when cast(:is_contractual as boolean) then coalesce(s.mrr_churned, 0) end as mrr_churned,
    case when cast(:is_contractual as boolean) then coalesce(s.mrr_reactivated, 0) end as mrr_reactivated,
    case when cast(:is_contractual as boolean) then coalesce(s.mrr_end, 0) end as mrr_end,
    case when exists (select 1 from staging.payments) then coalesce(s.revenue, 0) end as revenue,
    a.avg_clv,
    case when m.is_horizon_known then coalesce(s.horizon_customers, 0) end as horizon_customers,
    case when m.is_horizon_known then coalesce(s.horizon_churned, 0) end as horizon_churned,
    m.is_provisional
from shown_months as w
inner join kpi_calendar as m on w.month = m.month
left join month_sums as s on w.month = s.month and w.dimension = s.dimension and w.value = s.value
left join clv_averages as a on w.month = a.month and w.dimension = a.dimension and w.value = a.value
