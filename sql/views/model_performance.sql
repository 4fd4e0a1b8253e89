-- name: model_performance
-- writes: view bi.model_performance
-- grain: model version × evaluation
-- reads: ops.model_performance, ops.models
-- params: none
-- window: none
-- comment: How good each churn model was on customers and months that it had not seen, beside the rules that anyone could use instead.
-- example: select model_version, auc_roc, baseline_auc, calibration_slope from bi.model_performance where model_status = 'champion'
-- column.model_version: Version of the model.
-- column.evaluation: out_of_time = tested on months after those it was trained on; realised = on the first night of each month that it scored and whose outcome is known by now.
-- column.auc_roc: Probability that a churner is ranked above a customer who stays; 0.5 is chance.
-- column.pr_auc: Average precision over all thresholds; chance is base_rate.
-- column.recall: Share of churners whose probability reaches the threshold.
-- column.precision: Share of customers at or above the threshold who churned.
-- column.threshold: The operating threshold of recall and precision: where contacting is worth most by expected value, or, where no value is known, the probability of the last customer who fits on a list.
-- column.lift_top_decile: Churn rate of the riskiest tenth over the base rate.
-- column.brier: Mean squared error of the probabilities; lower is better.
-- column.ece: Expected calibration error over 15 bins of equal size.
-- column.base_rate: Share of customers who churned in the tested months.
-- column.baseline_auc: AUC-ROC of the recency rule on the same rows.
-- column.logistic_regression_auc: AUC-ROC of a logistic regression on the same features and rows.
-- column.log_loss: Mean negative log-likelihood of the probabilities; lower is better.
-- column.logistic_regression_log_loss: The same for the logistic regression.
-- column.base_rate_log_loss: The same for predicting one rate for everyone: out_of_time, of each month, that of the months its calibrator learned from; realised, that of all of the training.
-- column.auc_roc_low: Lower end of the 95 % interval of auc_roc, by a bootstrap over customers.
-- column.auc_roc_high: Upper end of it.
-- column.calibration_slope: Slope of a logistic regression of churn on the log-odds of the probability; 1 is right.
-- column.observed_expected: Churners over the sum of the probabilities; 1 is right.
-- column.from_as_of_date: First tested snapshot.
-- column.to_as_of_date: Last tested snapshot.
-- column.customer_months: Rows tested: of a sample of the customers where there are more than train.max_rows.
-- column.churners: Churners among them.
-- column.model_status: champion = in use; challenger = stored; retired = was in use.
-- column.trained_as_of: Date as of which the model was trained.
-- column.list_size: Customers on a night's list; where customers were sampled, the sampled ones stand for all.
-- column.recall_at_list: Share of the churners on each month's list of list_size customers, ordered as published: by value at risk, or by probability where no stake is known.
-- column.precision_at_list: Share of those on such lists who churned.
-- column.ece_perfect_p95: 95th percentile of the ece that perfectly calibrated probabilities would show on the same rows, the months of one customer as dependent as they are.
-- column.expected_net_value: What contacting everyone at or above the threshold is worth in a month, in the business's currency; null where no value is known.
-- type.model_version: text
-- type.evaluation: text
-- type.auc_roc: double precision
-- type.pr_auc: double precision
-- type.recall: double precision
-- type.precision: double precision
-- type.threshold: double precision
-- type.lift_top_decile: double precision
-- type.brier: double precision
-- type.ece: double precision
-- type.base_rate: double precision
-- type.baseline_auc: double precision
-- type.logistic_regression_auc: double precision
-- type.log_loss: double precision
-- type.logistic_regression_log_loss: double precision
-- type.base_rate_log_loss: double precision
-- type.auc_roc_low: double precision
-- type.auc_roc_high: double precision
-- type.calibration_slope: double precision
-- type.observed_expected: double precision
-- type.from_as_of_date: date
-- type.to_as_of_date: date
-- type.customer_months: bigint
-- type.churners: bigint
-- type.model_status: text
-- type.trained_as_of: date
-- type.list_size: double precision
-- type.recall_at_list: double precision
-- type.precision_at_list: double precision
-- type.ece_perfect_p95: double precision
-- type.expected_net_value: double precision
select
    p.model_version,
    p.evaluation,
    p.auc_roc,
    p.pr_auc,
    p.recall,
    p.precision,
    p.threshold,
    p.lift_top_decile,
    p.brier,
    p.ece,
    p.base_rate,
    p.baseline_auc,
    p.logistic_regression_auc,
    p.log_loss,
    p.logistic_regression_log_loss,
    p.base_rate_log_loss,
    p.auc_roc_low,
    p.auc_roc_high,
    p.calibration_slope,
    p.observed_expected,
    p.from_as_of_date,
    p.to_as_of_date,
    p.customer_months,
    p.churners,
    m.status as model_status,
    m.trained_as_of,
    p.list_size,
    p.recall_at_list,
    p.precision_at_list,
    p.ece_perfect_p95,
    p.expected_net_value
from ops.model_performance as p
inner join ops.models as m on p.model_version = m.model_version
