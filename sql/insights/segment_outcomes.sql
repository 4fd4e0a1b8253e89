-- name: segment_outcomes
-- writes: scores.group_outcomes
-- grain: segment of the night whose churn is known
-- reads: scores.segment_nights, ops.runs, ops.snapshots, ops.segment_outcomes
-- params: as_of, run_id
-- window: none
--
-- The counts behind realised_churn_rate: the same segmentation, the same past snapshot.
insert into scores.group_outcomes (
    as_of_date, run_id, dimension, value, outcome_as_of_date, customers, churned, others, others_churned
)
with night_segments as (
    select
        n.segment_id,
        n.segment,
        n.realised_as_of_date,
        r.versions ->> 'segments' as model_version
    from scores.segment_nights as n
    inner join ops.runs as r on n.run_id = r.run_id
    where
        n.as_of_date = cast(:as_of as date)
        and n.run_id = :run_id
        and n.realised_as_of_date is not null
),

counted_snapshots as (
    select max(o.snapshot_id) as snapshot_id
    from night_segments as n
    inner join ops.snapshots as s on n.realised_as_of_date = s.as_of_date
    inner join ops.segment_outcomes as o on s.snapshot_id = o.snapshot_id and n.model_version = o.model_version
),

segment_counts as (
    select
        n.segment,
        n.realised_as_of_date,
        o.customers,
        o.churned,
        sum(o.customers) over () as all_customers,
        sum(o.churned) over () as all_churned
    from counted_snapshots as c
    inner join ops.segment_outcomes as o on c.snapshot_id = o.snapshot_id
    inner join night_segments as n on o.segment_id = n.segment_id and o.model_version = n.model_version
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    'segment' as dimension,
    c.segment as value,
    c.realised_as_of_date as outcome_as_of_date,
    c.customers,
    c.churned,
    c.all_customers - c.customers as others,
    c.all_churned - c.churned as others_churned
from segment_counts as c
