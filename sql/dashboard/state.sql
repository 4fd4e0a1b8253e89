-- name: state
-- writes: none
-- grain: one row
-- reads: bi.job_runs
-- params: none
-- window: none
--
-- A run that says running and has given no sign of life is told as it is: the page shows since when.
with nights as not materialized (
    select
        r.run_id,
        r.job,
        r.as_of_date,
        r.status,
        r.published,
        r.started_at,
        r.started_at + r.duration_s * interval '1 second' as finished_at,
        r.versions,
        r.error
    from bi.job_runs as r
),

shown as (
    select
        n.as_of_date,
        n.run_id,
        n.finished_at,
        nullif(n.versions ->> 'churn', 'recency-rule') as model_version
    from nights as n
    where n.published
    order by n.as_of_date desc
    limit 1
),

at_work as (
    select
        n.job,
        n.started_at
    from nights as n
    where n.status = 'running'
    order by n.run_id desc
    limit 1
),

last_night as (
    select
        n.as_of_date,
        n.status,
        n.error
    from nights as n
    where n.job in ('nightly', 'backfill') and n.status <> 'running'
    order by n.as_of_date desc, n.run_id desc
    limit 1
)

select
    s.as_of_date,
    s.run_id,
    s.finished_at,
    s.model_version,
    w.job as running,
    w.started_at as running_since,
    case when l.status in ('failed', 'died') then coalesce(l.error, 'It was cut off.') end as failed,
    case when l.status in ('failed', 'died') then l.as_of_date end as failed_as_of
from (select 1 as one) as o
left join shown as s on o.one = 1
left join at_work as w on o.one = 1
left join last_night as l on o.one = 1
