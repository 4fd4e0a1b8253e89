-- name: realised_performance
-- writes: none
-- grain: published night whose outcome is known, the last 120 of them
-- reads: bi.realised_performance
-- params: figure
-- window: none
with last_nights as (
    select
        r.as_of_date,
        r.value,
        r.expected,
        r.low,
        r.high,
        r.status,
        r.customers,
        r.churners,
        r.treated_left_out,
        r.model_version
    from bi.realised_performance as r
    where r.figure = cast(:figure as text)
    order by r.as_of_date desc
    limit 120
)

select
    n.as_of_date,
    n.value,
    n.expected,
    n.low,
    n.high,
    n.status,
    n.customers,
    n.churners,
    n.treated_left_out,
    n.model_version
from last_nights as n
order by n.as_of_date
