-- name: old_snapshots
-- writes: ops.snapshots
-- grain: snapshot before the date of a night that is not shown
-- reads: ops.published
-- params: before
-- window: none
delete from ops.snapshots
where
    snapshots.as_of_date < cast(:before as date)
    and not exists (
        select 1
        from ops.published as p
        where p.as_of_date = snapshots.as_of_date
    )
