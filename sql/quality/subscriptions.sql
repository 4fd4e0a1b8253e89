-- name: subscriptions
-- writes: ops.table_figures
-- grain: figure
-- reads: staging.subscriptions, ops.snapshots, ops.feature_sets
-- params: as_of, run_id, snapshot_id
-- window: subscriptions that started before as_of
--
-- `open` are those that go on at as_of; `mrr` is theirs. What ends later has not ended yet.
-- A source without this entity, which the families of the snapshot's features tell, has no figures: nothing is missed.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with known_subscriptions as (
    select
        s.plan,
        s.mrr,
        s.started_date,
        s.billing_months,
        s.discount_until,
        coalesce(s.ended_date >= cast(:as_of as date), true) as is_open
    from staging.subscriptions as s
    where
        s.valid_to = timestamp '9999-12-31'
        and s.started_date < cast(:as_of as date)
        and exists (
            select 1
            from ops.snapshots as n
            inner join ops.feature_sets as e on n.feature_set_id = e.feature_set_id
            where n.snapshot_id = :snapshot_id and e.families && array['revenue']
        )
),

table_totals as (
    select
        count(*) as rows,
        count(*) filter (where k.is_open) as open,
        sum(k.mrr) filter (where k.is_open) as mrr,
        max(k.started_date) as latest_date,
        count(*) filter (where k.plan is null) as without_plan,
        count(*) filter (where k.billing_months is null) as without_billing_months,
        count(*) filter (where k.discount_until is null) as without_discount_until
    from known_subscriptions as k
    having count(*) > 0
)

select
    cast(:run_id as bigint) as run_id,
    cast(:as_of as date) as as_of_date,
    'staging.subscriptions' as table_name,
    f.figure,
    f.value
from table_totals as t
cross join
    lateral (
        values
        ('rows', t.rows),
        ('open', t.open),
        ('mrr', cast(t.mrr as double precision)),
        ('age_days', cast(:as_of as date) - t.latest_date),
        ('null_share.plan', cast(t.without_plan as double precision) / nullif(t.rows, 0)),
        ('null_share.billing_months', cast(t.without_billing_months as double precision) / nullif(t.rows, 0)),
        ('null_share.discount_until', cast(t.without_discount_until as double precision) / nullif(t.rows, 0)),
        ('null_share.ended_at', cast(t.open as double precision) / nullif(t.rows, 0))
    ) as f (figure, value)
where f.value is not null
