-- name: at_risk_listed
-- writes: none
-- grain: customer on tonight's list who fits
-- reads: bi.at_risk_customers
-- params: segment, plan, risk_band, value_tier, action, campaign_group, min_probability, min_value_at_risk, customer
-- window: none
select
    a.priority_rank,
    a.customer_id,
    a.campaign_group,
    a.recommended_action,
    a.churn_probability,
    a.risk_band,
    a.risk_percentile,
    a.value_at_risk,
    a.expected_net_value,
    a.clv_if_retained,
    a.mrr,
    a.segment,
    a.plan,
    a.value_tier,
    'listed' as list_status,
    a.why,
    a.reason_1,
    a.reason_2,
    a.reason_3,
    a.offer
from bi.at_risk_customers as a
where
    (cast(:segment as text) is null or a.segment = cast(:segment as text))
    and (cast(:plan as text) is null or a.plan = cast(:plan as text))
    and (cast(:risk_band as text) is null or a.risk_band = cast(:risk_band as text))
    and (cast(:value_tier as text) is null or a.value_tier = cast(:value_tier as text))
    and (cast(:action as text) is null or a.recommended_action = cast(:action as text))
    and (cast(:campaign_group as text) is null or a.campaign_group = cast(:campaign_group as text))
    and (
        cast(:min_probability as double precision) is null
        or a.churn_probability >= cast(:min_probability as double precision)
    )
    and (cast(:min_value_at_risk as numeric) is null or a.value_at_risk >= cast(:min_value_at_risk as numeric))
    and (cast(:customer as text) is null or starts_with(a.customer_id, cast(:customer as text)))
