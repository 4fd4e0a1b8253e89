-- name: demo_drivers
-- writes: none
-- grain: driver
-- reads: bi.churn_drivers
-- params: rows
-- window: none
select
    d.driver,
    d.direction,
    d.importance,
    d.customers_affected,
    d.description
from bi.churn_drivers as d
where d.segment = 'all'
order by d.importance desc, d.driver asc
limit :rows
