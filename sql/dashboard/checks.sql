-- name: checks
-- writes: none
-- grain: check of one run, what was found first
-- reads: bi.job_runs, bi.data_quality
-- params: run
-- window: none
--
-- Without a run that of the last night, whether it was published or not.
with chosen_runs as (
    select r.run_id
    from bi.job_runs as r
    where
        r.run_id = cast(:run as bigint)
        or (
            cast(:run as bigint) is null
            and r.status <> 'running'
            and r.job in ('nightly', 'backfill')
        )
    order by r.run_id desc
    limit 1
)

select
    q.run_id,
    q.as_of_date,
    case
        when q.status = 'passed' then 'passed'
        when q.check_name like 'quarantine:%' then 'rows left out'
        when q.severity = 'fail' then 'failed'
        else 'warned'
    end as outcome,
    q.check_name,
    q.rows,
    q.detail
from bi.data_quality as q
where q.run_id = (select c.run_id from chosen_runs as c)
order by
    case when q.status = 'passed' then 2 when q.severity = 'fail' then 0 else 1 end,
    q.check_name
