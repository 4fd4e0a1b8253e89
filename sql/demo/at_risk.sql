-- name: demo_at_risk
-- writes: none
-- grain: customer on tonight's list
-- reads: bi.at_risk_customers
-- params: rows
-- window: none
select
    a.priority_rank as rank,
    a.customer_id,
    a.segment,
    a.churn_probability as probability,
    a.value_at_risk,
    a.recommended_action as action,
    a.expected_net_value as earns,
    a.reason_1,
    a.reason_2
from bi.at_risk_customers as a
order by a.priority_rank asc
limit :rows
