-- name: demo_insights
-- writes: none
-- grain: finding of tonight
-- reads: bi.insights
-- params: rows
-- window: none
select
    i.priority,
    i.question,
    i.finding
from bi.insights as i
order by i.priority asc
limit :rows
