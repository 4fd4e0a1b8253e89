-- name: report_checks
-- writes: none
-- grain: check of the run that published a night, of those that did not pass, and reason why source rows were left out
-- reads: bi.job_runs, bi.data_quality
-- params: as_of
-- window: none
select
    case
        when q.check_name like 'quarantine:%' then 'rows left out'
        when q.severity = 'fail' then 'failed'
        else 'warned'
    end as outcome,
    q.check_name,
    q.rows,
    q.detail
from bi.job_runs as r
inner join bi.data_quality as q on r.run_id = q.run_id
where r.as_of_date = cast(:as_of as date) and r.published and q.status <> 'passed'
order by outcome asc, q.check_name asc
