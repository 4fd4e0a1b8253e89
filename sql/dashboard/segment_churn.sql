-- name: segment_churn
-- writes: none
-- grain: segment whose churn of a past night is known
-- reads: bi.group_outcomes, bi.segments
-- params: none
-- window: none
select
    g.value as segment,
    g.outcome_as_of_date,
    g.customers,
    g.churned,
    g.churn_rate,
    g.others_churn_rate,
    s.avg_churn_probability
from bi.group_outcomes as g
left join bi.segments as s on g.value = s.segment
where g.dimension = 'segment'
order by g.churn_rate desc nulls last, g.value asc
