-- name: calibration
-- writes: view bi.calibration
-- grain: model version × evaluation × segment × bin
-- reads: ops.calibration_bins, ops.models
-- params: none
-- window: none
-- comment: Whether a churn probability means what it says: of the customers given about the same one, the share that really churned.
-- example: select bin, predicted, observed, observed_low, observed_high, customers from bi.calibration where model_status = 'champion' and evaluation = 'out_of_time' and segment = 'all' order by bin
-- column.model_version: Version of the model.
-- column.bin: Bins of about equal size, the lowest probabilities in bin 1.
-- column.predicted: Mean churn probability of the bin; it and observed are weighted where customers were held out of campaigns, since those stand for the treated, too.
-- column.observed: Share of the bin that churned.
-- column.customers: Customer-months in the bin, counted without weights.
-- column.observed_low: Lower end of the 95 % interval of observed (Wilson, a customer's months counted as one).
-- column.observed_high: Upper end of it; the model is off where predicted lies outside.
-- column.evaluation: out_of_time = tested on months after those it was trained on; realised = published nights whose horizon has passed.
-- column.segment: Segment, or all.
-- column.model_status: champion = in use; challenger = stored; retired = was in use.
-- type.model_version: text
-- type.bin: integer
-- type.predicted: double precision
-- type.observed: double precision
-- type.customers: bigint
-- type.observed_low: double precision
-- type.observed_high: double precision
-- type.evaluation: text
-- type.segment: text
-- type.model_status: text
select
    c.model_version,
    c.bin,
    c.predicted,
    c.observed,
    c.customers,
    c.observed_low,
    c.observed_high,
    c.evaluation,
    case when c.segment = '' then 'all' else c.segment end as segment,
    m.status as model_status
from ops.calibration_bins as c
inner join ops.models as m on c.model_version = m.model_version
