-- name: list_figures
-- writes: none
-- grain: what to do × campaign group, of tonight's list
-- reads: bi.at_risk_customers
-- params: none
-- window: none
select
    a.campaign_group,
    a.recommended_action,
    a.offer,
    count(*) as customers,
    avg(a.churn_probability) as avg_churn_probability,
    sum(a.value_at_risk) as value_at_risk,
    sum(a.expected_net_value) as expected_net_value,
    sum(a.offer_cost) filter (where a.campaign_group = 'treatment') as cost
from bi.at_risk_customers as a
group by a.campaign_group, a.recommended_action, a.offer
order by a.campaign_group desc, count(*) desc, a.offer asc
