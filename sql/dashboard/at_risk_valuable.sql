-- name: at_risk_valuable
-- writes: none
-- grain: valuable customer at high risk who fits
-- reads: bi.high_value_at_risk
-- params: segment, plan, risk_band, value_tier, action, campaign_group, min_probability, min_value_at_risk, customer
-- window: none
select
    v.priority_rank,
    v.customer_id,
    v.campaign_group,
    v.recommended_action,
    v.churn_probability,
    v.risk_band,
    v.risk_percentile,
    v.value_at_risk,
    v.expected_net_value,
    v.clv_if_retained,
    v.mrr,
    v.segment,
    v.plan,
    v.value_tier,
    v.list_status,
    v.why,
    v.reason_1,
    v.reason_2,
    v.reason_3,
    v.offer
from bi.high_value_at_risk as v
where
    (cast(:segment as text) is null or v.segment = cast(:segment as text))
    and (cast(:plan as text) is null or v.plan = cast(:plan as text))
    and (cast(:risk_band as text) is null or v.risk_band = cast(:risk_band as text))
    and (cast(:value_tier as text) is null or v.value_tier = cast(:value_tier as text))
    and (cast(:action as text) is null or v.recommended_action = cast(:action as text))
    and (cast(:campaign_group as text) is null or v.campaign_group = cast(:campaign_group as text))
    and (
        cast(:min_probability as double precision) is null
        or v.churn_probability >= cast(:min_probability as double precision)
    )
    and (cast(:min_value_at_risk as numeric) is null or v.value_at_risk >= cast(:min_value_at_risk as numeric))
    and (cast(:customer as text) is null or starts_with(v.customer_id, cast(:customer as text)))
