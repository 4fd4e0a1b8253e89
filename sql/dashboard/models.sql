-- name: models
-- writes: none
-- grain: version of the churn model
-- reads: bi.model_performance
-- params: none
-- window: none
select
    p.model_version,
    p.model_status,
    p.trained_as_of,
    p.auc_roc,
    p.auc_roc_low,
    p.auc_roc_high,
    p.lift_top_decile,
    p.observed_expected,
    p.expected_net_value
from bi.model_performance as p
where p.evaluation = 'out_of_time'
order by case when p.model_status = 'champion' then 0 else 1 end, p.trained_as_of desc, p.model_version desc
