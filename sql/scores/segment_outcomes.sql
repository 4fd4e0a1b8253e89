-- name: segment_outcomes
-- writes: ops.segment_outcomes
-- grain: segment × matured snapshot
-- reads: segments_then, churn_labels
-- params: model_version, snapshot_id
-- window: the label window of the snapshot
insert into ops.segment_outcomes (model_version, snapshot_id, segment_id, customers, churned)
select
    cast(:model_version as text) as model_version,
    cast(:snapshot_id as bigint) as snapshot_id,
    s.segment_id,
    count(*) as customers,
    count(*) filter (where l.churned) as churned
from segments_then as s
inner join churn_labels as l on s.customer_key = l.customer_key
group by s.segment_id
