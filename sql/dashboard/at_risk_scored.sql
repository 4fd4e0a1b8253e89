-- name: at_risk_scored
-- writes: none
-- grain: scored customer who fits
-- reads: bi.customer_scores, bi.at_risk_customers
-- params: segment, plan, risk_band, value_tier, action, campaign_group, min_probability, min_value_at_risk, customer
-- window: none
--
-- The places on the list are grouped by customer, though each has one: so a statement that asks for none of their columns,
-- as one that counts, does not read them.
with places as (
    select
        a.customer_id,
        min(a.priority_rank) as priority_rank,
        min(a.campaign_group) as campaign_group,
        min(a.recommended_action) as recommended_action,
        min(a.why) as why
    from bi.at_risk_customers as a
    group by a.customer_id
)

select
    p.priority_rank,
    s.customer_id,
    p.campaign_group,
    p.recommended_action,
    s.churn_probability,
    s.risk_band,
    s.risk_percentile,
    s.value_at_risk,
    s.expected_net_value,
    s.clv_if_retained,
    s.mrr,
    s.segment,
    s.plan,
    s.value_tier,
    s.list_status,
    p.why,
    s.reason_1,
    s.reason_2,
    s.reason_3,
    s.offer
from bi.customer_scores as s
left join places as p on s.customer_id = p.customer_id
where
    (cast(:segment as text) is null or s.segment = cast(:segment as text))
    and (cast(:plan as text) is null or s.plan = cast(:plan as text))
    and (cast(:risk_band as text) is null or s.risk_band = cast(:risk_band as text))
    and (cast(:value_tier as text) is null or s.value_tier = cast(:value_tier as text))
    and (cast(:action as text) is null or p.recommended_action = cast(:action as text))
    and (cast(:campaign_group as text) is null or p.campaign_group = cast(:campaign_group as text))
    and (
        cast(:min_probability as double precision) is null
        or s.churn_probability >= cast(:min_probability as double precision)
    )
    and (cast(:min_value_at_risk as numeric) is null or s.value_at_risk >= cast(:min_value_at_risk as numeric))
    and (cast(:customer as text) is null or starts_with(s.customer_id, cast(:customer as text)))
