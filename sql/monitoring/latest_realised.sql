-- name: latest_realised
-- writes: none
-- grain: figure of the first night, whose outcome is known, of the latest month that has one
-- reads: ops.realised_figures, ops.realised_nights, ops.published
-- params: none
-- window: none
--
-- A month is judged by its first evaluated night: a warning is shown until the next month is known.
with shown_nights as (
    select n.as_of_date
    from ops.realised_nights as n
    inner join ops.published as p on n.as_of_date = p.as_of_date and n.run_id = p.run_id
),

latest_nights as (
    select min(s.as_of_date) as as_of_date
    from shown_nights as s
    where s.as_of_date >= (select date_trunc('month', max(l.as_of_date)) from shown_nights as l)
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
