-- name: null_shares
-- writes: none
-- grain: column
-- reads: ops.table_figures
-- params: as_of, run_id, null_share_warn
-- window: none
-- severity: warn
-- No column is missing more often than it usually is, by a tenth of the rows (quality.null_share_warn = 0.1) and beyond
-- what chance explains. What is usual is the median of the last 28 published nights.
with null_shares as (
    select
        t.table_name,
        replace(t.figure, 'null_share.', '') as column_name,
        t.value,
        t.usual,
        r.value as rows
    from ops.table_figures as t
    inner join ops.table_figures as r
        on
            t.as_of_date = r.as_of_date
            and t.run_id = r.run_id
            and t.table_name = r.table_name
            and r.figure = 'rows'
    where
        t.as_of_date = cast(:as_of as date)
        and t.run_id = :run_id
        and t.figure like 'null!_share.%' escape '!'
)

select
    n.table_name || '.' || n.column_name || ': ' || round(cast(100 * n.value as numeric), 1)
    || ' % missing, usually ' || round(cast(100 * n.usual as numeric), 1) || ' %' as problem
from null_shares as n
where
    n.value > n.usual + cast(:null_share_warn as double precision)
    and n.value - n.usual > 4 * sqrt(greatest(n.usual * (1 - n.usual), 1 / n.rows) / n.rows)
