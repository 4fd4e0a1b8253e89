-- name: runs
-- writes: none
-- grain: run of the last days before the latest one
-- reads: bi.job_runs
-- params: days, job, status
-- window: none
select
    r.run_id,
    r.job,
    r.as_of_date,
    r.status,
    r.published,
    r.started_at,
    r.duration_s,
    r.stage,
    r.attempts,
    r.exit_code,
    r.heartbeat_at,
    r.error
from bi.job_runs as r
where
    r.started_at >= (
        select max(l.started_at) - cast(:days as integer) * interval '1 day'
        from bi.job_runs as l
    )
    and (cast(:job as text) is null or r.job = cast(:job as text))
    and (cast(:status as text) is null or r.status = cast(:status as text))
