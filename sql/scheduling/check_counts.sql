-- name: check_counts
-- writes: none
-- grain: severity × status of the checks of the last run that had any
-- reads: ops.check_results
-- params: none
-- window: none
with last_checked as (
    select max(c.run_id) as run_id
    from ops.check_results as c
)

select
    c.severity,
    c.status,
    count(*) as checks
from ops.check_results as c
inner join last_checked as l on c.run_id = l.run_id
group by c.severity, c.status
order by c.severity asc, c.status asc
