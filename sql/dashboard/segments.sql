-- name: segments
-- writes: none
-- grain: segment of the latest published night
-- reads: bi.segments
-- params: none
-- window: none
select
    s.segment,
    s.description,
    s.customers,
    s.share,
    s.mrr,
    s.avg_clv,
    s.avg_churn_probability,
    s.high_value_share,
    s.compared_date,
    s.customers_change,
    s.mrr_change,
    s.avg_clv_change,
    s.avg_churn_probability_change
from bi.segments as s
order by s.avg_churn_probability desc nulls last, s.customers desc, s.segment asc
