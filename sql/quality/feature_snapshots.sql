-- name: feature_snapshots
-- writes: ops.table_figures
-- grain: figure
-- reads: scores.feature_snapshots
-- params: as_of, run_id, snapshot_id
-- window: none
--
-- The customers of the night.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with table_totals as (
    select
        count(*) as rows,
        count(*) filter (where s.mrr is null) as without_mrr
    from scores.feature_snapshots as s
    where s.as_of_date = cast(:as_of as date) and s.snapshot_id = :snapshot_id
)

select
    cast(:run_id as bigint) as run_id,
    cast(:as_of as date) as as_of_date,
    'scores.feature_snapshots' as table_name,
    f.figure,
    f.value
from table_totals as t
cross join
    lateral (
        values
        ('rows', t.rows),
        ('null_share.mrr', cast(t.without_mrr as double precision) / nullif(t.rows, 0))
    ) as f (figure, value)
where f.value is not null
