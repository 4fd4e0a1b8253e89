-- name: customer
-- writes: none
-- grain: the customer, where scored on the latest published night
-- reads: bi.customer_scores, bi.at_risk_customers
-- params: id
-- window: none
select
    s.customer_id,
    s.segment,
    s.segment_since_date,
    s.previous_segment,
    s.lifecycle_stage,
    s.plan,
    s.mrr,
    s.value_tier,
    s.churn_probability,
    s.risk_band,
    s.risk_percentile,
    s.reason_1,
    s.reason_2,
    s.reason_3,
    s.clv,
    s.clv_low,
    s.clv_high,
    s.clv_if_retained,
    s.value_at_risk,
    s.p_alive,
    s.list_status,
    s.offer,
    s.expected_net_value,
    a.priority_rank,
    a.campaign,
    a.campaign_group,
    a.recommended_action,
    a.why,
    a.entered_as_of_date,
    s.model_version,
    s.as_of_date
from bi.customer_scores as s
left join bi.at_risk_customers as a on s.customer_id = a.customer_id and a.customer_id = cast(:id as text)
where s.customer_id = cast(:id as text)
