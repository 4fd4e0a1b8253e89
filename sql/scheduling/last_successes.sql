-- name: last_successes
-- writes: none
-- grain: job
-- reads: ops.runs
-- params: none
-- window: none
select
    r.job,
    max(r.finished_at) as finished_at
from ops.runs as r
where r.status = 'succeeded' and r.finished_at is not null
group by r.job
order by r.job asc
