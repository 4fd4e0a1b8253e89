-- name: at_risk_customers
-- writes: view bi.at_risk_customers
-- grain: customer on tonight's list
-- reads: ops.published, scores.at_risk_list, staging.customer_keys, staging.customers, ops.runs
-- params: none
-- window: none
-- comment: Tonight's list: whom to contact first, with what. Customers for whom an offer is expected to pay, after suppression (not contactable, an open severe ticket, cooldown, another campaign), within budget and capacities. Frozen when the night is first published; who opts out afterwards disappears from it. Rows in the holdout group are there to measure against: do not contact them.
-- example: select priority_rank, customer_id, recommended_action, expected_net_value, why from bi.at_risk_customers where campaign_group = 'treatment' order by priority_rank limit 20
-- column.as_of_date: Business date of the night.
-- column.priority_rank: 1 is the customer to contact first; ranked by expected_net_value, without a model by risk.
-- column.customer_id: The customer's id in the source.
-- column.segment: Name of the customer's segment that night.
-- column.churn_probability: Calibrated probability (0 to 1) of churn within the horizon; null while no model has been trained.
-- column.clv_if_retained: Expected discounted gross margin over the CLV horizon, given that the customer survives the churn horizon.
-- column.value_at_risk: churn_probability × (clv_if_retained − value if the customer leaves): what is lost on average if nothing is done.
-- column.campaign_group: treatment = contact; holdout = leave alone, so that the campaign's effect can be measured. A customer keeps their side for the campaign's life.
-- column.mrr: Monthly recurring revenue; null for businesses without subscriptions.
-- column.risk_band: high = riskiest tenth of the night, medium = next two tenths, low = the others.
-- column.risk_percentile: Share of the night's customers with a lower risk, 0 to 100.
-- column.campaign: Campaign that the list belongs to (retention.campaign).
-- column.model_version: Model that gave the probability, or recency-rule.
-- column.run_id: Run that froze the list; see bi.job_runs.
-- column.reason_1: Why the customer may leave, in words, with the customer's own numbers; what happened comes before how the customer is placed. Typical = the median of the night's customers. Null where nothing that can be named adds risk.
-- column.reason_2: The second reason; null where there is none.
-- column.reason_3: The third reason; null where there is none.
-- column.recommended_action: What to do: the name of the offer to make, or hold out = do not contact.
-- column.expected_net_value: What the offer is expected to earn with this customer, its cost taken off: value_at_risk × save_rate × retention.saved_value_share − offer_cost; of a held out customer, what is forgone. Null while no model has been trained.
-- column.offer: The offer chosen for the customer, whichever group they are in.
-- column.why: Why the customer is on the list and what for, in one sentence with their own numbers.
-- column.value_tier: high, medium or low by CLV; see bi.customer_scores.
-- column.plan: The customer's plan that night; null where none is known.
-- column.offer_cost: Expected cost of the offer per customer it is made to (retention.offers).
-- column.save_rate: Share of such customers about to leave whom the offer is expected to keep: as configured until campaigns have measured it.
-- column.entered_as_of_date: Night with whose list the customer entered the campaign.
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
with latest_nights as (
    select
        p.as_of_date,
        p.list_run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

select
    a.as_of_date,
    a.priority_rank,
    k.customer_id,
    a.segment,
    a.churn_probability,
    a.clv_if_retained,
    a.value_at_risk,
    a.campaign_group,
    a.mrr,
    a.risk_band,
    a.risk_percentile,
    a.campaign,
    r.versions ->> 'churn' as model_version,
    a.run_id,
    a.reason_1,
    a.reason_2,
    a.reason_3,
    a.recommended_action,
    a.expected_net_value,
    a.offer,
    a.why,
    a.value_tier,
    a.plan,
    a.offer_cost,
    a.save_rate,
    a.entered_as_of_date
from latest_nights as l
inner join scores.at_risk_list as a
    on l.as_of_date = a.as_of_date and l.list_run_id = a.run_id
inner join staging.customer_keys as k on a.customer_key = k.customer_key
inner join staging.customers as c
    on k.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
inner join ops.runs as r on a.run_id = r.run_id
where
    a.as_of_date = (select max(p.as_of_date) from ops.published as p)
    and coalesce(c.contactable, true)
