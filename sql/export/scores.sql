-- name: scores
-- writes: none
-- grain: customer of a published night
-- reads: bi.customer_scores_history
-- params: as_of
-- window: none
-- type.as_of_date: date
-- type.customer_id: text
-- type.segment: text
-- type.churn_probability: double
-- type.risk_band: text
-- type.risk_percentile: double
-- type.mrr: money
-- type.clv: money
-- type.clv_if_retained: money
-- type.value_at_risk: money
-- type.model_version: text
-- type.run_id: integer
-- type.reason_1: text
-- type.reason_2: text
-- type.reason_3: text
-- type.clv_low: money
-- type.clv_high: money
-- type.p_alive: double
-- type.expected_purchases: double
-- type.value_tier: text
-- type.lifecycle_stage: text
-- type.recency_quintile: integer
-- type.frequency_quintile: integer
-- type.monetary_quintile: integer
-- type.previous_segment: text
-- type.segment_since_date: date
-- type.plan: text
-- type.driver_1: text
-- type.driver_2: text
-- type.driver_3: text
-- type.risk_score: double
-- type.in_sample: boolean
select
    s.as_of_date,
    s.customer_id,
    s.segment,
    s.churn_probability,
    s.risk_band,
    s.risk_percentile,
    s.mrr,
    s.clv,
    s.clv_if_retained,
    s.value_at_risk,
    s.model_version,
    s.run_id,
    s.reason_1,
    s.reason_2,
    s.reason_3,
    s.clv_low,
    s.clv_high,
    s.p_alive,
    s.expected_purchases,
    s.value_tier,
    s.lifecycle_stage,
    s.recency_quintile,
    s.frequency_quintile,
    s.monetary_quintile,
    s.previous_segment,
    s.segment_since_date,
    s.plan,
    s.driver_1,
    s.driver_2,
    s.driver_3,
    s.risk_score,
    s.in_sample
from bi.customer_scores_history as s
where s.as_of_date = cast(:as_of as date)
order by s.customer_id collate "C" asc
