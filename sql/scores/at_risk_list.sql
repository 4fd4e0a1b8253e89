-- name: at_risk_list
-- writes: scores.at_risk_list
-- grain: customer on the list × run
-- reads: scores.customer_scores, scores.segment_nights, list_members
-- params: as_of, run_id, campaign, hold_out
-- window: none
insert into scores.at_risk_list (
    as_of_date, run_id, priority_rank, customer_key, segment_id, risk_score, churn_probability, risk_percentile,
    risk_band, mrr, clv, clv_if_retained, value_at_risk, segment, campaign, campaign_group,
    reason_1, reason_2, reason_3, value_tier, plan, offer, recommended_action, expected_net_value, offer_cost,
    save_rate, why, entered_as_of_date
)
select
    s.as_of_date,
    s.run_id,
    m.priority_rank,
    s.customer_key,
    s.segment_id,
    s.risk_score,
    s.churn_probability,
    s.risk_percentile,
    s.risk_band,
    s.mrr,
    s.clv,
    s.clv_if_retained,
    s.value_at_risk,
    n.segment,
    cast(:campaign as text) as campaign,
    m.campaign_group,
    s.reason_1,
    s.reason_2,
    s.reason_3,
    s.value_tier,
    s.plan,
    m.offer,
    case when m.campaign_group = 'holdout' then cast(:hold_out as text) else m.offer end as recommended_action,
    m.expected_net_value,
    m.offer_cost,
    m.save_rate,
    m.why,
    m.entered_as_of_date
from list_members as m
inner join scores.customer_scores as s
    on m.customer_key = s.customer_key and s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
inner join scores.segment_nights as n
    on s.as_of_date = n.as_of_date and s.run_id = n.run_id and s.segment_id = n.segment_id
