-- name: latest_realised
-- writes: none
-- grain: figure of the latest published night whose outcome is known
-- reads: ops.realised_figures, ops.realised_nights, ops.published
-- params: none
-- window: none
with latest_nights as (
    select n.as_of_date
    from ops.realised_nights as n
    inner join ops.published as p on n.as_of_date = p.as_of_date and n.run_id = p.run_id
    order by n.as_of_date desc
    limit 1
)

select
    f.as_of_date,
    f.figure,
    f.value,
    f.low,
    f.high,
    f.status
from ops.realised_figures as f
inner join latest_nights as l on f.as_of_date = l.as_of_date
order by f.figure
