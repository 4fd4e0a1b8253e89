-- name: champion
-- writes: none
-- grain: evaluation of the model in use
-- reads: bi.model_performance, bi.kpi_monthly
-- params: none
-- window: none
select
    p.model_version,
    p.evaluation,
    p.auc_roc,
    p.auc_roc_low,
    p.auc_roc_high,
    p.baseline_auc,
    p.observed_expected,
    p.calibration_slope,
    p.ece,
    p.ece_perfect_p95,
    p.lift_top_decile,
    p.base_rate,
    p.customer_months,
    p.churners,
    p.from_as_of_date,
    p.to_as_of_date,
    p.trained_as_of,
    (
        select max(k.as_of_date)
        from bi.kpi_monthly as k
    ) - p.trained_as_of as age_days
from bi.model_performance as p
where p.model_status = 'champion'
order by p.evaluation
