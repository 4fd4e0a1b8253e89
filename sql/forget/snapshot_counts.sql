-- name: snapshot_counts
-- writes: ops.snapshots
-- grain: snapshot that holds the customer
-- reads: scores.feature_snapshots
-- params: customer_key
-- window: none
--
-- What a snapshot says it holds is what runs expect to score and to publish.
update ops.snapshots
set customers = snapshots.customers - 1
from scores.feature_snapshots as f
where
    f.customer_key = :customer_key
    and snapshots.as_of_date = f.as_of_date
    and snapshots.snapshot_id = f.snapshot_id
