-- name: run_failures
-- writes: none
-- grain: run that failed or died in the last days before the latest one, the last 20 of them
-- reads: bi.job_runs
-- params: days
-- window: none
--
-- Whether a later run of the same job made up for it is told with it.
select
    r.run_id,
    r.job,
    r.as_of_date,
    r.status,
    r.started_at,
    r.stage,
    r.exit_code,
    coalesce(r.error, 'It was cut off and said nothing.') as error,
    (
        select min(s.run_id)
        from bi.job_runs as s
        where
            s.run_id > r.run_id
            and s.status = 'succeeded'
            and (r.job not in ('nightly', 'backfill') or s.as_of_date = r.as_of_date)
            and (s.job = r.job or (s.job in ('nightly', 'backfill') and r.job in ('nightly', 'backfill', 'extract')))
    ) as made_up_by
from bi.job_runs as r
where
    r.status in ('failed', 'died')
    and r.started_at >= (
        select max(l.started_at) - cast(:days as integer) * interval '1 day'
        from bi.job_runs as l
    )
order by r.run_id desc
limit 20
