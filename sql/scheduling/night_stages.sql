-- name: night_stages
-- writes: none
-- grain: stage of the run that published the latest night
-- reads: ops.published, ops.run_stages
-- params: none
-- window: none
with latest_nights as (
    select p.run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

select
    s.stage,
    coalesce(s.rows, 0) as made,
    cast(extract(epoch from s.finished_at - s.started_at) as double precision) as seconds
from ops.run_stages as s
inner join latest_nights as l on s.run_id = l.run_id
where s.finished_at is not null
order by s.started_at asc, s.stage asc
