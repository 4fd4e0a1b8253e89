-- name: failed_jobs
-- writes: none
-- grain: training or extraction whose last run failed or died, the latest first
-- reads: ops.runs
-- params: none
-- window: none
--
-- An extraction counts no more once a later night has succeeded: each night extracts.
with last_runs as (
    select
        r.run_id,
        r.job,
        r.as_of_date,
        r.status,
        r.stage,
        r.exit_code,
        r.error,
        row_number() over (
            partition by r.job
            order by r.run_id desc
        ) as place
    from ops.runs as r
    where r.job in ('train', 'extract') and r.status <> 'running'
)

select
    l.run_id,
    l.job,
    l.as_of_date,
    l.status,
    l.stage,
    l.exit_code,
    l.error
from last_runs as l
where
    l.place = 1
    and l.status in ('failed', 'died')
    and not (
        l.job = 'extract'
        and exists (
            select 1
            from ops.runs as n
            where n.job = 'nightly' and n.status = 'succeeded' and n.run_id > l.run_id
        )
    )
order by l.run_id desc
