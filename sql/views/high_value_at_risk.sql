-- name: high_value_at_risk
-- writes: view bi.high_value_at_risk
-- grain: valuable customer at high risk on the latest published night
-- reads: ops.published, scores.customer_scores, scores.segment_nights, scores.at_risk_list, scores.customer_offers, staging.customer_keys, staging.customers, ops.runs
-- params: none
-- window: none
-- comment: Who is valuable and at risk: contactable customers of the highest value tier in the riskiest tenth of the latest published night, on tonight's list or not: what is to be done about those on it, and why the others are left alone.
-- example: select customer_id, value_at_risk, list_status, recommended_action, reason_1 from bi.high_value_at_risk order by value_at_risk desc limit 20
-- column.as_of_date: Business date of the night.
-- column.priority_rank: Place on tonight's list, 1 is the customer to contact first; null for a customer who is not on it.
-- column.customer_id: The customer's id in the source.
-- column.segment: Name of the customer's segment that night.
-- column.churn_probability: Calibrated probability (0 to 1) of churn within the horizon; null while no model has been trained.
-- column.clv_if_retained: Expected discounted gross margin over the CLV horizon, given that the customer survives the churn horizon.
-- column.value_at_risk: churn_probability × (clv_if_retained − value if the customer leaves): what is lost on average if nothing is done.
-- column.campaign_group: On tonight's list: treatment = contact; holdout = leave alone, so that the campaign's effect can be measured. Null for a customer who is not on it.
-- column.mrr: Monthly recurring revenue; null for businesses without subscriptions.
-- column.risk_band: Always high: riskiest tenth of the night.
-- column.risk_percentile: Share of the night's customers with a lower risk, 0 to 100.
-- column.campaign: Campaign that the list belongs to; null for a customer who is not on it.
-- column.model_version: Model that gave the probability, or recency-rule.
-- column.run_id: Run that wrote the scores; see bi.job_runs.
-- column.reason_1: Why the customer may leave, in words, with the customer's own numbers; what happened comes before how the customer is placed. Typical = the median of the night's customers. Null where nothing that can be named adds risk.
-- column.reason_2: The second reason; null where there is none.
-- column.reason_3: The third reason; null where there is none.
-- column.recommended_action: What to do: the offer to make, or hold out = do not contact. Null for a customer who is not on tonight's list = leave alone tonight: acting on it would spend beyond the budget and spoil the draw.
-- column.expected_net_value: What that offer is expected to earn with this customer, its cost taken off: value_at_risk × save_rate × retention.saved_value_share − offer_cost. Null where no offer pays.
-- column.offer: The offer chosen, or the one that would be best; null where none pays.
-- column.why: Of a customer on the list, why and what for, in one sentence; null for others, see list_status.
-- column.value_tier: Always high: by CLV among the share of customers that clv.high_value_share names (the top fifth unless configured).
-- column.plan: The customer's plan that night; null where none is known.
-- column.offer_cost: Expected cost of that offer per customer it is made to (retention.offers).
-- column.save_rate: Share of such customers about to leave whom that offer is expected to keep.
-- column.entered_as_of_date: Night with whose list the customer entered the campaign; null for a customer who is not on tonight's list.
-- column.list_status: listed; or why not: open severe ticket, cooldown (on another list or contacted within retention.cooldown_days), other campaign, below minimum (retention.minimum_value), over budget, over capacity (of the list or of an offer), list frozen (the list was there first). Null where no offer is expected to pay. As of the run that scored the night; who opts out afterwards disappears from this view at once.
-- type.as_of_date: date
-- type.priority_rank: integer
-- type.customer_id: text
-- type.segment: text
-- type.churn_probability: double precision
-- type.clv_if_retained: numeric
-- type.value_at_risk: numeric
-- type.campaign_group: text
-- type.mrr: numeric
-- type.risk_band: text
-- type.risk_percentile: double precision
-- type.campaign: text
-- type.model_version: text
-- type.run_id: bigint
-- type.reason_1: text
-- type.reason_2: text
-- type.reason_3: text
-- type.recommended_action: text
-- type.expected_net_value: numeric
-- type.offer: text
-- type.why: text
-- type.value_tier: text
-- type.plan: text
-- type.offer_cost: numeric
-- type.save_rate: double precision
-- type.entered_as_of_date: date
-- type.list_status: text
--
-- The date and the run are compared with one value each, which prunes partitions.
with latest_nights as materialized (
    select
        p.as_of_date,
        p.run_id,
        p.list_run_id,
        r.versions ->> 'churn' as model_version
    from ops.published as p
    inner join ops.runs as r on p.run_id = r.run_id
    order by p.as_of_date desc
    limit 1
),

night_names as materialized (
    select
        n.segment_id,
        n.segment
    from scores.segment_nights as n
    where
        n.as_of_date = (select c.as_of_date from latest_nights as c)
        and n.run_id = (select d.run_id from latest_nights as d)
),

listed_customers as materialized (
    select
        a.customer_key,
        a.priority_rank,
        a.campaign_group,
        a.campaign,
        a.recommended_action,
        a.why,
        a.entered_as_of_date
    from scores.at_risk_list as a
    where
        a.as_of_date = (select d.as_of_date from latest_nights as d)
        and a.run_id = (select e.list_run_id from latest_nights as e)
),

chosen_offers as materialized (
    select
        o.customer_key,
        o.list_status,
        o.offer,
        o.expected_net_value,
        o.offer_cost,
        o.save_rate
    from scores.customer_offers as o
    where
        o.as_of_date = (select d.as_of_date from latest_nights as d)
        and o.run_id = (select e.run_id from latest_nights as e)
)

select
    s.as_of_date,
    a.priority_rank,
    k.customer_id,
    n.segment,
    s.churn_probability,
    s.clv_if_retained,
    s.value_at_risk,
    a.campaign_group,
    s.mrr,
    s.risk_band,
    s.risk_percentile,
    a.campaign,
    l.model_version,
    s.run_id,
    s.reason_1,
    s.reason_2,
    s.reason_3,
    a.recommended_action,
    o.expected_net_value,
    o.offer,
    a.why,
    s.value_tier,
    s.plan,
    o.offer_cost,
    o.save_rate,
    a.entered_as_of_date,
    o.list_status
from scores.customer_scores as s
cross join latest_nights as l
inner join staging.customer_keys as k on s.customer_key = k.customer_key
inner join staging.customers as c
    on k.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
left join night_names as n on s.segment_id = n.segment_id
left join listed_customers as a on s.customer_key = a.customer_key
left join chosen_offers as o on s.customer_key = o.customer_key
where
    s.as_of_date = (select d.as_of_date from latest_nights as d)
    and s.run_id = (select e.run_id from latest_nights as e)
    and s.value_tier = 'high'
    and s.risk_band = 'high'
    and coalesce(c.contactable, true)
