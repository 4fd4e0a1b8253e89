-- name: running_runs
-- writes: none
-- grain: run that says that it is at work
-- reads: ops.runs, ops.run_stages
-- params: none
-- window: none
select
    r.run_id,
    r.job,
    r.as_of_date,
    r.status,
    r.exit_code,
    r.stage,
    r.host,
    r.pid,
    r.attempts,
    r.started_at,
    s.started_at as stage_started_at,
    coalesce(r.heartbeat_at, s.started_at, r.started_at) as alive_at
from ops.runs as r
left join ops.run_stages as s on r.run_id = s.run_id and r.stage = s.stage
where r.status = 'running'
order by r.run_id desc
