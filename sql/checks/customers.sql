-- name: customers
-- writes: none
-- grain: problem
-- reads: ops.snapshots
-- params: as_of, snapshot_id, volume_warn
-- window: the last 28 snapshots before as_of
-- severity: warn
-- The number of customers to score is near that of the night before (quality.volume_warn), beyond what chance explains.
with snapshots_before as (
    select
        p.as_of_date,
        p.customers
    from ops.snapshots as p
    where
        p.is_current
        and p.as_of_date < cast(:as_of as date)
        and p.as_of_date >= cast(:as_of as date) - 28
    order by p.as_of_date desc
    limit 1
)

select p.customers || ' customers, ' || b.customers || ' on ' || b.as_of_date as problem
from ops.snapshots as p
cross join snapshots_before as b
where
    p.snapshot_id = :snapshot_id
    and abs(p.customers - b.customers) > cast(:volume_warn as double precision) * b.customers
    and abs(p.customers - b.customers) > 4 * sqrt(cast(b.customers as double precision))
