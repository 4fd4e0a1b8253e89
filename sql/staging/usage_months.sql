-- name: usage_months
-- writes: none
-- grain: month with incoming usage
-- reads: incoming_usage_events
-- params: none
-- window: none
select cast(date_trunc('month', i.usage_date) as date) as month_start
from incoming_usage_events as i
group by cast(date_trunc('month', i.usage_date) as date)
order by month_start asc
