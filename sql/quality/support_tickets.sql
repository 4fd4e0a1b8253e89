-- name: support_tickets
-- writes: ops.table_figures
-- grain: figure
-- reads: staging.support_tickets, ops.snapshots, ops.feature_sets
-- params: as_of, run_id, snapshot_id
-- window: [as_of - 35, as_of)
--
-- `rows` and the shares are of the last 28 days: every weekday is in them as often. Tickets that close later are open.
-- A source without this entity, which the families of the snapshot's features tell, has no figures: nothing is missed.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with recent_tickets as (
    select
        t.opened_date,
        t.severity,
        t.satisfaction,
        coalesce(t.closed_date >= cast(:as_of as date), true) as is_open,
        t.opened_date >= cast(:as_of as date) - 28 as is_counted
    from staging.support_tickets as t
    where
        t.valid_to = timestamp '9999-12-31'
        and t.opened_date >= cast(:as_of as date) - 35
        and t.opened_date < cast(:as_of as date)
),

table_totals as (
    select
        count(*) filter (where r.is_counted) as rows,
        max(r.opened_date) as latest_date,
        count(*) filter (where r.is_counted and r.is_open) as not_closed,
        count(*) filter (where r.is_counted and r.severity is null) as without_severity,
        count(*) filter (where r.is_counted and r.satisfaction is null) as without_satisfaction
    from recent_tickets as r
    having exists (
        select 1
        from ops.snapshots as n
        inner join ops.feature_sets as e on n.feature_set_id = e.feature_set_id
        where n.snapshot_id = :snapshot_id and e.families && array['tickets']
    )
)

select
    cast(:run_id as bigint) as run_id,
    cast(:as_of as date) as as_of_date,
    'staging.support_tickets' as table_name,
    f.figure,
    f.value
from table_totals as t
cross join
    lateral (
        values
        ('rows', t.rows),
        ('age_days', cast(:as_of as date) - t.latest_date),
        ('null_share.closed_at', cast(t.not_closed as double precision) / nullif(t.rows, 0)),
        ('null_share.severity', cast(t.without_severity as double precision) / nullif(t.rows, 0)),
        ('null_share.satisfaction', cast(t.without_satisfaction as double precision) / nullif(t.rows, 0))
    ) as f (figure, value)
where f.value is not null
