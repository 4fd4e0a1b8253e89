-- name: drivers
-- writes: none
-- grain: behaviour, of all customers or of a segment
-- reads: bi.churn_drivers
-- params: segment
-- window: none
select
    d.driver,
    d.direction,
    d.importance,
    d.customers_affected,
    d.description
from bi.churn_drivers as d
where d.segment = cast(:segment as text)
order by d.importance desc, d.driver asc
