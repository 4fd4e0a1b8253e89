-- name: drivers_by_segment
-- writes: none
-- grain: segment, all customers first
-- reads: bi.churn_drivers
-- params: none
-- window: none
with ranked_drivers as (
    select
        d.segment,
        d.driver,
        d.direction,
        d.importance,
        d.customers_affected,
        row_number() over (partition by d.segment order by d.importance desc, d.driver asc) as place
    from bi.churn_drivers as d
)

select
    r.segment,
    r.driver,
    r.direction,
    r.importance,
    r.customers_affected
from ranked_drivers as r
where r.place = 1
order by r.segment <> 'all', r.segment
