-- name: feature_snapshots
-- writes: none
-- grain: problem
-- reads: scores.feature_snapshots, ops.snapshots, ops.feature_sets
-- params: as_of, snapshot_id
-- window: none
-- severity: fail
-- The snapshot has as many customers as it says, and each as many values as the feature set has names.
with snapshot_rows as (
    select
        count(*) as customers,
        count(*) filter (
            where coalesce(array_length(f.numbers, 1), 0) <> coalesce(array_length(e.numbers, 1), 0)
            or coalesce(array_length(f.categories, 1), 0) <> coalesce(array_length(e.categories, 1), 0)
        ) as misshapen,
        max(p.customers) as said
    from ops.snapshots as p
    inner join ops.feature_sets as e on p.feature_set_id = e.feature_set_id
    left join scores.feature_snapshots as f
        on f.as_of_date = cast(:as_of as date) and p.snapshot_id = f.snapshot_id
    where p.snapshot_id = :snapshot_id
)

select r.customers || ' rows for ' || r.said || ' customers, ' || r.misshapen || ' of another length' as problem
from snapshot_rows as r
where r.customers <> r.said or r.misshapen > 0
