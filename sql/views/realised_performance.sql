-- name: realised_performance
-- writes: view bi.realised_performance
-- grain: published night whose outcome is known × figure
-- reads: ops.realised_figures, ops.realised_nights, ops.published
-- params: none
-- window: none
-- comment: What became of published nights once their horizon had passed, beside what the model's training let expect. Customers whom a campaign was to contact are left out; those held out stand for them.
-- example: select as_of_date, figure, value, expected, low, high, status from bi.realised_performance where status = 'warning' order by as_of_date desc, figure
-- column.as_of_date: Business date of the night.
-- column.figure: auc_roc, observed_expected, calibration_slope or lift_top_decile; see bi.model_performance for their meaning.
-- column.value: What it was, by what happened; null where it is not defined, as where nobody left.
-- column.expected: What the walk-forward test of the model's training gave; null for models that kept none.
-- column.low: Lower end of the prediction interval: it allows for the chance in the test, in this night and between months, and for looking at four figures in twelve months.
-- column.high: Upper end of it.
-- column.status: inside, outside, warning (the month's first evaluated night is outside, and so was that of the month before) or unknown; a month in which a figure is unknown is passed over, one of which no night was evaluated is not.
-- column.model_version: Model that scored the night.
-- column.customers: Customers compared, all of them; the figures are of a sample where there are more than train.max_rows.
-- column.churners: Those of them who left.
-- column.treated_left_out: Customers left out because a campaign was to contact them.
-- column.run_id: Run that published the night; see bi.job_runs.
-- column.evaluated_run_id: Run that compared it with what happened.
-- type.as_of_date: date
-- type.figure: text
-- type.value: double precision
-- type.expected: double precision
-- type.low: double precision
-- type.high: double precision
-- type.status: text
-- type.model_version: text
-- type.customers: bigint
-- type.churners: bigint
-- type.treated_left_out: bigint
-- type.run_id: bigint
-- type.evaluated_run_id: bigint
select
    f.as_of_date,
    f.figure,
    f.value,
    f.expected,
    f.low,
    f.high,
    f.status,
    n.model_version,
    n.customers,
    n.churners,
    n.treated_left_out,
    n.run_id,
    n.evaluated_run_id
from ops.realised_figures as f
inner join ops.realised_nights as n on f.as_of_date = n.as_of_date
inner join ops.published as p on n.as_of_date = p.as_of_date and n.run_id = p.run_id
