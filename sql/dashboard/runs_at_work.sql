-- name: runs_at_work
-- writes: none
-- grain: run that says that it is at work
-- reads: bi.job_runs
-- params: none
-- window: none
select
    r.run_id,
    r.job,
    r.as_of_date,
    r.stage,
    r.started_at,
    r.heartbeat_at,
    r.attempts,
    r.host
from bi.job_runs as r
where r.status = 'running'
order by r.run_id desc
