-- name: last_runs
-- writes: none
-- grain: the last nights' runs, the latest first
-- reads: bi.job_runs, bi.data_quality, bi.extractions
-- params: none
-- window: none
--
-- Checks and quarantine are counted for these runs alone.
with nights as (
    select
        r.run_id,
        r.job,
        r.as_of_date,
        r.status,
        r.published,
        r.started_at,
        r.duration_s,
        r.error
    from bi.job_runs as r
    where r.job in ('nightly', 'backfill') and r.status <> 'running'
    order by r.run_id desc
    limit 5
),

night_checks as (
    select
        q.run_id,
        count(*) as checks,
        count(*) filter (where q.status = 'failed' and q.severity = 'fail') as checks_failed,
        count(*) filter (where q.status = 'failed' and q.severity = 'warn') as checks_warned
    from bi.data_quality as q
    where
        q.run_id in (
            select n.run_id
            from nights as n
        )
        and q.check_name not like 'quarantine:%'
    group by q.run_id
),

night_rows as (
    select
        e.run_id,
        sum(e.rows_read) as rows_read,
        sum(e.rows_quarantined) as rows_quarantined
    from bi.extractions as e
    where
        e.run_id in (
            select n.run_id
            from nights as n
        )
    group by e.run_id
)

select
    n.run_id,
    n.job,
    n.as_of_date,
    n.status,
    n.published,
    n.started_at,
    n.duration_s,
    coalesce(c.checks, 0) as checks,
    coalesce(c.checks_failed, 0) as checks_failed,
    coalesce(c.checks_warned, 0) as checks_warned,
    e.rows_read,
    e.rows_quarantined,
    n.error
from nights as n
left join night_checks as c on n.run_id = c.run_id
left join night_rows as e on n.run_id = e.run_id
order by n.run_id desc
