-- name: evidence_top_driver
-- writes: none
-- grain: one row, or none without a model
-- reads: bi.churn_drivers
-- params: as_of
-- window: none
select
    d.driver,
    d.direction,
    d.importance,
    d.customers_affected
from bi.churn_drivers as d
where d.segment = 'all' and d.as_of_date = cast(:as_of as date)
order by d.importance desc, d.customers_affected desc, d.driver asc
limit 1
