-- name: value_risk_corner
-- writes: none
-- grain: customer of high value at high risk on the latest published night
-- reads: bi.high_value_at_risk
-- params: none
-- window: none
select
    h.customer_id,
    h.value_at_risk,
    h.churn_probability,
    h.clv_if_retained,
    h.segment,
    h.recommended_action,
    h.priority_rank,
    h.list_status,
    h.reason_1
from bi.high_value_at_risk as h
