-- name: customers
-- writes: none
-- grain: problem
-- reads: ops.snapshots
-- params: as_of, snapshot_id
-- window: the last 28 snapshots before as_of
-- severity: warn
-- The number of customers is within a fifth of the night before.
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
    and abs(p.customers - b.customers) > 0.2 * b.customers
