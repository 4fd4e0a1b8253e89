-- name: run_nights
-- writes: none
-- grain: night of the last sixty that were run, by its last run
-- reads: bi.job_runs
-- params: none
-- window: none
with last_runs as (
    select distinct on (r.as_of_date)
        r.as_of_date,
        r.run_id,
        r.status,
        r.published,
        r.attempts,
        r.duration_s
    from bi.job_runs as r
    where r.job in ('nightly', 'backfill') and r.status <> 'running'
    order by r.as_of_date desc, r.run_id desc
    limit 60
)

select
    l.as_of_date,
    l.run_id,
    l.status,
    l.published,
    l.attempts,
    l.duration_s
from last_runs as l
order by l.as_of_date
