-- name: at_risk
-- writes: none
-- grain: customer on a night's list
-- reads: ops.published, scores.at_risk_list, staging.customer_keys, staging.customers, ops.runs
-- params: as_of, with_holdout
-- window: none
-- type.as_of_date: date
-- type.priority_rank: integer
-- type.customer_id: text
-- type.segment: text
-- type.churn_probability: double
-- type.clv_if_retained: money
-- type.value_at_risk: money
-- type.campaign: text
-- type.campaign_group: text
-- type.run_id: integer
-- type.reason_1: text
-- type.reason_2: text
-- type.reason_3: text
-- type.value_tier: text
-- type.plan: text
-- type.mrr: money
-- type.offer: text
-- type.recommended_action: text
-- type.expected_net_value: money
-- type.offer_cost: money
-- type.save_rate: double
-- type.why: text
-- type.entered_as_of_date: date
-- type.risk_band: text
-- type.risk_percentile: double
-- type.model_version: text
select
    a.as_of_date,
    a.priority_rank,
    k.customer_id,
    a.segment,
    a.churn_probability,
    a.clv_if_retained,
    a.value_at_risk,
    a.campaign,
    a.campaign_group,
    a.run_id,
    a.reason_1,
    a.reason_2,
    a.reason_3,
    a.value_tier,
    a.plan,
    a.mrr,
    a.offer,
    a.recommended_action,
    a.expected_net_value,
    a.offer_cost,
    a.save_rate,
    a.why,
    a.entered_as_of_date,
    a.risk_band,
    a.risk_percentile,
    r.versions ->> 'churn' as model_version
from ops.published as p
inner join scores.at_risk_list as a
    on p.as_of_date = a.as_of_date and p.list_run_id = a.run_id
inner join staging.customer_keys as k on a.customer_key = k.customer_key
inner join staging.customers as c
    on k.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
inner join ops.runs as r on a.run_id = r.run_id
where
    p.as_of_date = cast(:as_of as date)
    and a.as_of_date = cast(:as_of as date)
    and coalesce(c.contactable, true)
    and (a.campaign_group = 'treatment' or cast(:with_holdout as boolean))
order by a.priority_rank asc
