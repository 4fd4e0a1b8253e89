-- name: threshold_tradeoff
-- writes: view bi.threshold_tradeoff
-- grain: model version × evaluation × segment × kind × cutoff
-- reads: ops.threshold_tradeoff, ops.models
-- params: none
-- window: none
-- comment: What contacting everyone from a probability on, or a list of a given length, would have brought in the tested months: how many customers, how many churners, how many false alarms, and what it was worth.
-- example: select kind, cutoff, contacted, precision, recall, expected_net_value, is_chosen from bi.threshold_tradeoff where model_status = 'champion' and evaluation = 'out_of_time' and segment = 'all' order by kind, cutoff
-- column.model_version: Version of the model.
-- column.kind: threshold = everyone with at least this churn probability; list_size = the first so many of everybody's list in its published order (value at risk, or probability where no stake is known), those of the segment counted.
-- column.cutoff: The churn probability or the length of the list, by kind.
-- column.contacted: Customers contacted in a month.
-- column.precision: Share of those contacted who churned.
-- column.recall: Share of all churners who were contacted.
-- column.false_alarms: Customers contacted in a month who stayed.
-- column.expected_net_value: What contacting them is worth in a month: churners kept times the value at stake, less the cost of every contact (retention.save_rate, saved_value_share and contact_cost). Null where no value at stake is known.
-- column.evaluation: out_of_time = tested on months after those it was trained on; realised = published nights whose horizon has passed.
-- column.segment: Segment, or all.
-- column.is_chosen: This is the threshold that the model works with, chosen by the net value that its probabilities promise, before anyone knew who left: the row need not be the one that turned out best.
-- column.model_status: champion = in use; challenger = stored; retired = was in use.
-- type.model_version: text
-- type.kind: text
-- type.cutoff: double precision
-- type.contacted: double precision
-- type.precision: double precision
-- type.recall: double precision
-- type.false_alarms: double precision
-- type.expected_net_value: double precision
-- type.evaluation: text
-- type.segment: text
-- type.is_chosen: boolean
-- type.model_status: text
select
    t.model_version,
    t.kind,
    t.cutoff,
    t.contacted,
    t.precision,
    t.recall,
    t.false_alarms,
    t.expected_net_value,
    t.evaluation,
    case when t.segment = '' then 'all' else t.segment end as segment,
    t.is_chosen,
    m.status as model_status
from ops.threshold_tradeoff as t
inner join ops.models as m on t.model_version = m.model_version
