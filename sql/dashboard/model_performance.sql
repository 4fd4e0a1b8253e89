-- name: model_performance
-- writes: none
-- grain: evaluation of one model
-- reads: bi.model_performance
-- params: version
-- window: none
--
-- Without a version the model in use, or the last one trained.
with chosen_models as (
    select p.model_version
    from bi.model_performance as p
    where
        p.evaluation = 'out_of_time'
        and (cast(:version as text) is null or p.model_version = cast(:version as text))
    order by case when p.model_status = 'champion' then 0 else 1 end, p.trained_as_of desc, p.model_version desc
    limit 1
)

select
    p.model_version,
    p.model_status,
    p.trained_as_of,
    p.evaluation,
    p.from_as_of_date,
    p.to_as_of_date,
    p.customer_months,
    p.churners,
    p.base_rate,
    p.auc_roc,
    p.auc_roc_low,
    p.auc_roc_high,
    p.logistic_regression_auc,
    p.baseline_auc,
    p.pr_auc,
    p.lift_top_decile,
    p.observed_expected,
    p.calibration_slope,
    p.log_loss,
    p.logistic_regression_log_loss,
    p.base_rate_log_loss,
    p.brier,
    p.ece,
    p.ece_perfect_p95,
    p.threshold,
    p.precision,
    p.recall,
    p.expected_net_value,
    p.list_size,
    p.precision_at_list,
    p.recall_at_list
from chosen_models as c
inner join bi.model_performance as p on c.model_version = p.model_version
order by p.evaluation
