-- name: kpi_figures
-- writes: view scores.kpi_figures
-- grain: run × month × dimension × value
-- reads: scores.kpi_months
-- params: none
-- window: none
--
-- The rates of a month, in one place for bi.kpi_monthly and bi.kpi_monthly_by. Those that need the churn of the whole
-- month are null until it has matured.
select
    k.dimension,
    k.value,
    k.month,
    k.customers_start,
    k.new,
    k.reactivated,
    case when not k.is_provisional then k.churned end as churned,
    case
        when not k.is_provisional then cast(k.churned as double precision) / nullif(k.customers_start, 0)
    end as churn_rate,
    case
        when not k.is_provisional
            then cast(k.customers_start - k.churned as double precision) / nullif(k.customers_start, 0)
    end as retention_rate,
    k.mrr_start,
    k.mrr_new,
    k.mrr_expansion,
    k.mrr_contraction,
    k.mrr_churned,
    k.mrr_reactivated,
    k.mrr_end,
    case
        when not k.is_provisional
            then
                cast(
                    (k.mrr_start + k.mrr_expansion - k.mrr_contraction - k.mrr_churned)
                    / nullif(k.mrr_start, 0) as double precision
                )
    end as nrr,
    case
        when not k.is_provisional
            then
                cast(
                    (k.mrr_start - k.mrr_contraction - k.mrr_churned) / nullif(k.mrr_start, 0) as double precision
                )
    end as grr,
    coalesce(k.mrr_end, k.revenue) / nullif(k.customers_end, 0) as arpa,
    k.avg_clv,
    k.customers_end,
    k.revenue,
    k.horizon_customers,
    k.horizon_churned,
    cast(k.horizon_churned as double precision) / nullif(k.horizon_customers, 0) as churn_rate_horizon,
    k.is_provisional,
    k.as_of_date,
    k.run_id
from scores.kpi_months as k
