-- name: admit
-- writes: ops.campaign_members
-- grain: customer new to the list's campaign
-- reads: scores.at_risk_list
-- params: as_of, list_run_id
-- window: none
--
-- Who is in the campaign already stays in it as they entered.
insert into ops.campaign_members (
    campaign, customer_key, as_of_date, campaign_group, offer, segment, risk_band, churn_probability,
    clv_if_retained, value_at_risk, mrr, offer_cost, save_rate, expected_net_value, list_run_id
)
select
    a.campaign,
    a.customer_key,
    a.as_of_date,
    a.campaign_group,
    a.offer,
    a.segment,
    a.risk_band,
    a.churn_probability,
    a.clv_if_retained,
    a.value_at_risk,
    a.mrr,
    a.offer_cost,
    a.save_rate,
    a.expected_net_value,
    a.run_id as list_run_id
from scores.at_risk_list as a
where a.as_of_date = cast(:as_of as date) and a.run_id = :list_run_id
on conflict (campaign, customer_key) do nothing
