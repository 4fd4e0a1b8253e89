-- name: night_runs
-- writes: none
-- grain: the last run of the night that is due, and the last run of any night
-- reads: ops.runs, ops.published, ops.check_results
-- params: due
-- window: none
with night_runs as (
    select
        r.run_id,
        r.job,
        r.as_of_date,
        r.status,
        r.stage,
        r.started_at,
        r.finished_at,
        r.exit_code,
        r.error,
        r.as_of_date = cast(:due as date) as is_due,
        row_number() over (
            partition by r.as_of_date = cast(:due as date)
            order by r.run_id desc
        ) as place
    from ops.runs as r
    where r.job in ('nightly', 'backfill')
)

select
    n.run_id,
    n.job,
    n.as_of_date,
    n.status,
    n.stage,
    n.started_at,
    n.finished_at,
    n.exit_code,
    n.error,
    n.is_due,
    p.run_id as published_run_id,
    array(
        select c.check_name
        from ops.check_results as c
        where c.run_id = n.run_id and c.severity = 'fail' and c.status = 'failed'
        order by c.check_name
    ) as checks
from night_runs as n
left join ops.published as p on n.as_of_date = p.as_of_date
where n.place = 1
order by n.run_id desc
