-- name: model_figures
-- writes: view bi.model_figures
-- grain: model version × evaluation × segment × predictor × figure
-- reads: ops.performance_figures, ops.models
-- params: none
-- window: none
-- comment: Every figure of a model with its 95 % interval, in total and per segment, beside the same figure of the rules that anyone could use instead, on the same rows.
-- example: select figure, predictor, value, low, high from bi.model_figures where model_status = 'champion' and evaluation = 'out_of_time' and segment = 'all' order by figure, predictor
-- column.model_version: Version of the model.
-- column.evaluation: out_of_time = tested on months after those it was trained on; realised = published nights whose horizon has passed.
-- column.segment: Segment, or all.
-- column.predictor: model, or a baseline: logistic_regression on the same features, recency = days of silence, base_rate = the same for everyone.
-- column.figure: Name of the figure (docs/model-card.md says how to read each): auc_roc, pr_auc, recall, precision, recall_at_list, precision_at_list, lift_top_decile, lift_decile_2 to lift_decile_10, brier, log_loss, calibration_slope, observed_expected, expected_net_value, ece, and ece_perfect_p95 (what ece reaches by chance in one of twenty samples where every probability is right, months of one customer as dependent as they are). recall_at_list and precision_at_list are of lists in the order they are published: by value at risk (churn probability × what is at stake), of every predictor by its own probability; by probability where no stake is known.
-- column.value: The figure; null where it is not defined.
-- column.low: Lower end of its 95 % interval, by a bootstrap over customers; null for ece and where a segment has too few churners.
-- column.high: Upper end of it.
-- column.model_status: champion = in use; challenger = stored; retired = was in use.
-- type.model_version: text
-- type.evaluation: text
-- type.segment: text
-- type.predictor: text
-- type.figure: text
-- type.value: double precision
-- type.low: double precision
-- type.high: double precision
-- type.model_status: text
select
    f.model_version,
    f.evaluation,
    case when f.segment = '' then 'all' else f.segment end as segment,
    f.predictor,
    f.figure,
    f.value,
    f.low,
    f.high,
    m.status as model_status
from ops.performance_figures as f
inner join ops.models as m on f.model_version = m.model_version
