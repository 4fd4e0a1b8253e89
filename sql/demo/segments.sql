-- name: demo_segments
-- writes: none
-- grain: segment
-- reads: bi.segments
-- params: none
-- window: none
select
    s.segment,
    s.customers,
    s.mrr,
    s.avg_clv,
    s.high_value_share,
    s.avg_churn_probability,
    s.realised_churn_rate
from bi.segments as s
order by s.avg_churn_probability desc nulls last, s.segment asc
