-- name: kpis
-- writes: none
-- grain: month, of the last two years
-- reads: bi.kpi_monthly
-- params: none
-- window: none
select
    k.month,
    k.customers_end,
    k.new,
    k.reactivated,
    k.churned,
    k.churn_rate,
    k.retention_rate,
    k.mrr_end,
    k.revenue,
    k.nrr,
    k.arpa,
    k.avg_clv,
    k.is_provisional,
    k.month + interval '1 month' <= k.as_of_date as is_over
from bi.kpi_monthly as k
where
    k.month > (
        select max(m.month) - 750
        from bi.kpi_monthly as m
    )
order by k.month
