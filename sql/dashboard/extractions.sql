-- name: extractions
-- writes: none
-- grain: entity that one run read
-- reads: bi.job_runs, bi.extractions
-- params: run
-- window: none
with chosen_runs as (
    select r.run_id
    from bi.job_runs as r
    where
        r.run_id = cast(:run as bigint)
        or (
            cast(:run as bigint) is null
            and r.status <> 'running'
            and r.job in ('nightly', 'backfill')
        )
    order by r.run_id desc
    limit 1
)

select
    e.run_id,
    e.as_of_date,
    e.entity,
    e.mode,
    e.rows_read,
    e.rows_used,
    e.rows_quarantined,
    e.rows_forgotten,
    e.quarantined_share,
    e.rows_changed,
    e.rows_deleted,
    e.late_rows
from bi.extractions as e
where e.run_id = (select c.run_id from chosen_runs as c)
order by e.entity
