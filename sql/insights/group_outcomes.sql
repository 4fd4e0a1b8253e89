-- name: group_outcomes
-- writes: none
-- grain: segment or behaviour whose churn has been counted
-- reads: bi.group_outcomes
-- params: as_of
-- window: none
select
    g.dimension,
    g.value,
    g.customers,
    g.churned,
    g.others,
    g.others_churned
from bi.group_outcomes as g
where g.as_of_date = cast(:as_of as date)
order by g.dimension asc, g.value asc
