-- name: kpi_months
-- writes: none
-- grain: problem
-- reads: scores.kpi_months, scores.customer_scores
-- params: as_of, run_id
-- window: none
-- severity: fail
-- Every month's figures reconcile: mrr and customers from start to end, from month to month, and every dimension with
-- the whole. Nobody churns who was not there.
with month_figures as (
    select
        k.month,
        k.dimension,
        k.value,
        case when k.dimension = 'all' then '' else k.dimension || ' ' || k.value || ', ' end || k.month as place,
        k.customers_start,
        k.new,
        k.reactivated,
        k.churned,
        k.customers_end,
        k.mrr_start,
        k.mrr_new,
        k.mrr_expansion,
        k.mrr_contraction,
        k.mrr_churned,
        k.mrr_reactivated,
        k.mrr_end,
        k.revenue,
        k.horizon_customers,
        k.horizon_churned
    from scores.kpi_months as k
    where k.as_of_date = cast(:as_of as date) and k.run_id = :run_id
),

linked_months as (
    select
        f.place,
        f.month,
        f.customers_start,
        f.mrr_start,
        lag(f.month) over (order by f.month asc) as previous_month,
        lag(f.customers_end) over (order by f.month asc) as previous_customers,
        lag(f.mrr_end) over (order by f.month asc) as previous_mrr
    from month_figures as f
    where f.dimension = 'all'
),

total_figures as (
    select
        f.dimension,
        f.month,
        array[
            sum(f.customers_start), sum(f.new), sum(f.reactivated), sum(f.churned), sum(f.customers_end),
            sum(f.mrr_start), sum(f.mrr_new), sum(f.mrr_expansion), sum(f.mrr_contraction), sum(f.mrr_churned),
            sum(f.mrr_reactivated), sum(f.mrr_end), sum(f.revenue), sum(f.horizon_customers), sum(f.horizon_churned)
        ] as totals
    from month_figures as f
    group by f.dimension, f.month
)

select concat(f.place, ': mrr does not add up from ', f.mrr_start, ' to ', f.mrr_end) as problem
from month_figures as f
where
    f.mrr_start + f.mrr_new + f.mrr_reactivated + f.mrr_expansion - f.mrr_contraction - f.mrr_churned <> f.mrr_end
    or num_nulls(
        f.mrr_start, f.mrr_new, f.mrr_reactivated, f.mrr_expansion, f.mrr_contraction, f.mrr_churned, f.mrr_end
    ) not in (0, 7)
union all
select concat(f.place, ': customers do not add up from ', f.customers_start, ' to ', f.customers_end) as problem
from month_figures as f
where
    f.churned is null
    or f.customers_end is null
    or (f.mrr_start is not null and f.customers_start + f.new + f.reactivated - f.churned <> f.customers_end)
    or (f.mrr_start is null and f.customers_start + f.new + f.reactivated < f.customers_end)
union all
select f.place || ': more churned than there were, or a figure below 0' as problem
from month_figures as f
where
    f.churned > f.customers_start
    or f.horizon_churned > f.horizon_customers
    or f.horizon_customers > f.customers_start
    or f.mrr_churned + f.mrr_contraction > f.mrr_start
    or least(f.new, f.reactivated, f.churned, f.customers_end, f.horizon_churned) < 0
    or least(f.mrr_new, f.mrr_expansion, f.mrr_contraction, f.mrr_churned, f.mrr_reactivated, f.mrr_end) < 0
union all
select l.place || ': does not begin where ' || l.previous_month || ' ended' as problem
from linked_months as l
where
    l.previous_month is not null
    and (
        l.previous_month <> l.month - interval '1 month'
        or l.previous_customers is distinct from l.customers_start
        or l.previous_mrr is distinct from l.mrr_start
    )
union all
select t.month || ': the values of ' || t.dimension || ' do not add up to the whole' as problem
from total_figures as t
inner join total_figures as a on t.month = a.month and a.dimension = 'all'
where t.dimension <> 'all' and t.totals <> a.totals
union all
select 'no month was written' as problem
where
    exists (
        select 1 from scores.customer_scores as s
        where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
    )
    and not exists (select 1 from month_figures as f where f.dimension = 'all')
