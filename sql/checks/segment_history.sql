-- name: segment_history
-- writes: none
-- grain: segment
-- reads: ops.runs, ops.models, ops.segment_outcomes, ops.segment_events
-- params: run_id
-- window: none
-- severity: fail
-- Of none of the segments in force have more left than were in it, and what this run says of segments is of a segmentation
-- that is there.
select
    'segment_id ' || o.segment_id || ': ' || o.churned || ' of ' || o.customers || ' left in snapshot '
    || o.snapshot_id as problem
from ops.runs as r
inner join ops.segment_outcomes as o on r.versions ->> 'segments' = o.model_version
where r.run_id = :run_id and o.churned not between 0 and o.customers
union all
select 'segment_id ' || e.segment_id || ': ' || e.event || ' with an unknown ' || e.model_version as problem
from ops.segment_events as e
where
    e.run_id = :run_id
    and not exists (select 1 from ops.models as m where m.model_version = e.model_version)
