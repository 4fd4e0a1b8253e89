-- A night's run, and the pointer to it.
with night_runs as (
    insert into ops.runs (run_id, job, as_of_date, status, started_at, finished_at, versions, config_digest)
    overriding system value
    values (
        :run_id, 'nightly', cast(:day as date), 'succeeded', cast(:day as date), cast(:day as date),
        '{"churn": "churn-bench"}', 'x'
    )
    returning run_id, as_of_date, started_at
)

insert into ops.published (as_of_date, run_id, list_run_id, published_at, in_sample)
select
    r.as_of_date,
    r.run_id,
    r.run_id as list_run_id,
    r.started_at as published_at,
    false as in_sample
from night_runs as r
