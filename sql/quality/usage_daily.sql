-- name: usage_daily
-- writes: ops.table_figures
-- grain: figure
-- reads: staging.usage_daily, ops.snapshots, ops.feature_sets
-- params: as_of, run_id, snapshot_id
-- window: [as_of - 35, as_of)
--
-- `rows` and `events` are of the last 7 days: every weekday is in them once. Only where those have none, the weeks before are
-- looked at for the latest day.
-- A source without this entity, which the families of the snapshot's features tell, has no figures: nothing is missed.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with week_totals as (
    select
        count(*) as rows,
        coalesce(sum(u.events), 0) as events,
        max(u.usage_date) as latest_date
    from staging.usage_daily as u
    where
        u.usage_date >= cast(:as_of as date) - 7
        and u.usage_date < cast(:as_of as date)
    having exists (
        select 1
        from ops.snapshots as n
        inner join ops.feature_sets as e on n.feature_set_id = e.feature_set_id
        where n.snapshot_id = :snapshot_id and e.families && array['usage', 'usage_catalogue']
    )
),

table_totals as (
    select
        w.rows,
        w.events,
        coalesce(
            w.latest_date,
            (
                select max(u.usage_date)
                from staging.usage_daily as u
                where u.usage_date >= cast(:as_of as date) - 35 and u.usage_date < cast(:as_of as date) - 7
            )
        ) as latest_date
    from week_totals as w
)

select
    cast(:run_id as bigint) as run_id,
    cast(:as_of as date) as as_of_date,
    'staging.usage_daily' as table_name,
    f.figure,
    f.value
from table_totals as t
cross join
    lateral (
        values
        ('rows', t.rows),
        ('events', cast(t.events as double precision)),
        ('age_days', cast(:as_of as date) - t.latest_date)
    ) as f (figure, value)
where f.value is not null
