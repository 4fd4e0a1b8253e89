-- name: feature_snapshots
-- writes: none
-- grain: problem
-- reads: scores.feature_snapshots, ops.snapshots, ops.feature_sets, staging.customer_keys
-- params: as_of, snapshot_id
-- window: none
-- severity: fail
-- The snapshot has as many customers as it says, each known and with as many values as the feature set has names, none of
-- them infinite, and with mrr where churn is the end of what is paid for.
with snapshot_rows as (
    select
        count(f.customer_key) as customers,
        count(*) filter (
            where coalesce(array_length(f.numbers, 1), 0) <> coalesce(array_length(e.numbers, 1), 0)
            or coalesce(array_length(f.categories, 1), 0) <> coalesce(array_length(e.categories, 1), 0)
        ) as misshapen,
        count(*) filter (
            where cast('Infinity' as real) = any(f.numbers)
            or cast('-Infinity' as real) = any(f.numbers)
            or f.mrr in ('NaN', 'Infinity')
            or (p.population = 'contractual' and coalesce(f.mrr, 0) <= 0)
        ) as impossible,
        count(f.customer_key) - count(k.customer_key) as unknown,
        max(p.customers) as said
    from ops.snapshots as p
    inner join ops.feature_sets as e on p.feature_set_id = e.feature_set_id
    left join scores.feature_snapshots as f
        on f.as_of_date = cast(:as_of as date) and p.snapshot_id = f.snapshot_id
    left join staging.customer_keys as k on f.customer_key = k.customer_key
    where p.snapshot_id = :snapshot_id
)

select
    r.customers || ' rows for ' || r.said || ' customers: ' || r.misshapen || ' of another length, ' || r.impossible
    || ' with a value that can''t be, ' || r.unknown || ' of customers that nobody knows' as problem
from snapshot_rows as r
where r.customers <> r.said or r.misshapen > 0 or r.impossible > 0 or r.unknown > 0
