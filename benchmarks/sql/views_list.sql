-- The list that the night froze: customers spread over all of them, one in ten held out.
insert into scores.at_risk_list (
    as_of_date, run_id, priority_rank, customer_key, segment_id, segment, risk_score, churn_probability, risk_percentile,
    risk_band, mrr, clv, clv_if_retained, value_at_risk, campaign, campaign_group, reason_1, value_tier, plan, offer,
    recommended_action, expected_net_value, offer_cost, save_rate, why, entered_as_of_date
)
select
    s.as_of_date,
    s.run_id,
    row_number() over (order by s.value_at_risk desc, s.customer_key asc) as priority_rank,
    s.customer_key,
    s.segment_id,
    'Segment ' || s.segment_id as segment,
    s.risk_score,
    s.churn_probability,
    s.risk_percentile,
    s.risk_band,
    s.mrr,
    s.clv,
    s.clv_if_retained,
    s.value_at_risk,
    'nightly' as campaign,
    case when s.customer_key % 7 = 0 then 'holdout' else 'treatment' end as campaign_group,
    s.reason_1,
    s.value_tier,
    s.plan,
    'call' as offer,
    'call' as recommended_action,
    s.value_at_risk / 10 as expected_net_value,
    5 as offer_cost,
    0.1 as save_rate,
    'Leaving would cost more than a call.' as why,
    s.as_of_date as entered_as_of_date
from scores.customer_scores as s
where
    s.as_of_date = cast(:day as date)
    and s.customer_key % greatest(:customers / :list_size, 1) = 1 % greatest(:customers / :list_size, 1)
    and s.customer_key / greatest(:customers / :list_size, 1) <= :list_size
