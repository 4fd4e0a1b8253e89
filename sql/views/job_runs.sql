-- name: job_runs
-- writes: view bi.job_runs
-- grain: run
-- reads: ops.runs, ops.published
-- params: none
-- window: none
-- comment: Every run of every job, with its outcome. Exactly one run is published for a night.
-- example: select run_id, job, as_of_date, status, duration_s, error from bi.job_runs order by run_id desc limit 10
-- column.run_id: Identifies the run in every other view.
-- column.job: extract, train, nightly, backfill, campaign or forget.
-- column.as_of_date: Business date that the run worked for.
-- column.status: running, succeeded, failed, or died (it was cut off and found by a later run).
-- column.published: True where this run's scores are the ones shown for its night.
-- column.started_at: When it started.
-- column.duration_s: Seconds from start to end; null while it runs or when it died.
-- column.rows: Rows by stage.
-- column.versions: Versions of the code and of the models used.
-- column.stage: Stage that it is in, or was in when it ended.
-- column.exit_code: Exit code of the command; 0 is success.
-- column.error: What went wrong and what to do.
-- column.heartbeat_at: Last sign of life; a run that says running and has given none for minutes was cut off.
-- column.host: Machine that it ran on last.
-- column.attempts: How often it was begun: a run that was cut off goes on under its number.
-- type.run_id: bigint
-- type.job: text
-- type.as_of_date: date
-- type.status: text
-- type.published: boolean
-- type.started_at: timestamp with time zone
-- type.duration_s: double precision
-- type.rows: jsonb
-- type.versions: jsonb
-- type.stage: text
-- type.exit_code: integer
-- type.error: text
-- type.heartbeat_at: timestamp with time zone
-- type.host: text
-- type.attempts: integer
select
    r.run_id,
    r.job,
    r.as_of_date,
    r.status,
    coalesce(p.run_id is not null, false) as published,
    r.started_at,
    cast(extract(epoch from r.finished_at - r.started_at) as double precision) as duration_s,
    r.rows,
    r.versions,
    r.stage,
    r.exit_code,
    r.error,
    r.heartbeat_at,
    r.host,
    r.attempts
from ops.runs as r
left join ops.published as p on r.run_id = p.run_id
