-- name: customer_scores
-- writes: view bi.customer_scores
-- grain: customer of the latest published night
-- reads: ops.published, scores.customer_scores, scores.customer_offers, scores.segment_nights, staging.customer_keys, ops.runs
-- params: none
-- window: none
-- comment: Every customer scored on the latest published night: how likely they are to leave, what they are worth, and how much of that is at risk.
-- example: select segment, risk_band, count(*) as customers, sum(mrr) as mrr from bi.customer_scores group by segment, risk_band order by segment, risk_band
-- column.as_of_date: Business date of the night; nothing that happened on or after it was used.
-- column.customer_id: The customer's id in the source.
-- column.segment: Name of the customer's segment; see bi.segments.
-- column.churn_probability: Calibrated probability (0 to 1) of churn within the horizon from as_of_date; null while no model has been trained.
-- column.risk_band: high = riskiest tenth of the night, medium = next two tenths, low = the others.
-- column.risk_percentile: Share of the night's customers with a lower risk, 0 to 100; 100 is the riskiest.
-- column.mrr: Monthly recurring revenue of all active subscriptions; null for businesses without subscriptions.
-- column.clv: Expected discounted gross margin over the CLV horizon, leaving included; in the business's currency.
-- column.clv_if_retained: The same, given that the customer survives the churn horizon.
-- column.value_at_risk: churn_probability × (clv_if_retained − value if the customer leaves): what is lost on average if nothing is done.
-- column.model_version: Model that gave the probability, or recency-rule.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- column.risk_score: What customers are ranked by: the model's raw log-odds, or days since the last activity under the recency rule.
-- column.expected_purchases: Days with a purchase expected within the churn horizon, by the model whatever clv.method is; only for churn by inactivity.
-- column.in_sample: True where the model's training labels end after as_of_date: not a fair test of the model.
-- column.reason_1: Why the customer may leave, in words, with the customer's own numbers; what happened comes before how the customer is placed. Typical = the median of the night's customers. Only for those who are or could be on the list and the riskiest tenth, where something adds risk; otherwise null.
-- column.reason_2: The second reason; null where there is none.
-- column.reason_3: The third reason; null where there is none.
-- column.clv_low: With a chance of 10 % the customer's margin turns out to be less than this; null where it is not known.
-- column.clv_high: With a chance of 10 % the customer's margin turns out to be more than this; null where it is not known. clv, a mean, may lie outside the two where a customer is most likely gone.
-- column.p_alive: Probability (0 to 1) that the customer has not left for good; only for churn by inactivity, and null where it cannot be told since hardly anybody is seen to leave.
-- column.value_tier: high, medium or low by CLV, for the shares of customers that clv.high_value_share and clv.medium_value_share name (the top fifth and the next three tenths unless configured); equal CLV shares a tier, and where all have the same everybody is medium. Null where there is no CLV.
-- column.lifecycle_stage: The first that holds of: won_back = came back within 180 days after more than the grace days without paid coverage, or by inactivity within churn.inactivity_days after more than those without a purchase; new = a customer for less than 90 days (days paid for, or since the first purchase); dormant = no use for 30 days, or by inactivity no purchase for two thirds of churn.inactivity_days (and no use for 30 days where use is known); declining = mrr lower than 90 days ago or use halved, by inactivity spend halved (90 days against the 90 before); growing = mrr higher or use doubled, by inactivity spend doubled; mature = everybody else.
-- column.recency_quintile: 5 = among the fifth of the night's customers who bought last, 1 = among the fifth who bought longest ago; of the last use where no payments are mapped. Equal values share the quintile of their middle, which may then hold more or less than a fifth.
-- column.frequency_quintile: The same of days with a repeat purchase, or of active days in the last 90 where no payments are mapped; 5 = most often.
-- column.monetary_quintile: The same of the spend of the last 365 days, or of mrr where no payments are mapped; 5 = most.
-- column.previous_segment: Name, as of then, of the segment that the customer was in before this one; a segment under a new name is the same. Each night looks only at the published night before it: null for a customer who was not there, or had none.
-- column.segment_since_date: Date of the first night without a break in which the customer was in this segment, whatever its name; a customer who was away begins anew.
-- column.plan: The customer's plan that night; null where none is known.
-- column.driver_1: The behaviour that reason_1 is about, by its name in bi.churn_drivers; days without activity on a night without a model.
-- column.driver_2: The behaviour that reason_2 is about.
-- column.driver_3: The behaviour that reason_3 is about.
-- column.list_status: What became of the customer on the night's list: listed; or why not: not contactable, open severe ticket, cooldown, other campaign, below minimum, over budget, over capacity, list frozen. Null where no offer is expected to pay. As of the run that scored the night: who opts out afterwards disappears from bi.at_risk_customers at once, and changes here with the next night.
-- column.offer: The offer chosen for the customer, or the one that would be best; null where none pays. Whom to contact is in bi.at_risk_customers alone: some are held out.
-- column.expected_net_value: What that offer is expected to earn with this customer, its cost taken off; null where no offer pays or no model has been trained.
-- type.as_of_date: date
-- type.customer_id: text
-- type.segment: text
-- type.churn_probability: double precision
-- type.risk_band: text
-- type.risk_percentile: double precision
-- type.mrr: numeric
-- type.clv: numeric
-- type.clv_if_retained: numeric
-- type.value_at_risk: numeric
-- type.model_version: text
-- type.run_id: bigint
-- type.risk_score: double precision
-- type.expected_purchases: double precision
-- type.in_sample: boolean
-- type.reason_1: text
-- type.reason_2: text
-- type.reason_3: text
-- type.clv_low: numeric
-- type.clv_high: numeric
-- type.p_alive: double precision
-- type.value_tier: text
-- type.lifecycle_stage: text
-- type.recency_quintile: smallint
-- type.frequency_quintile: smallint
-- type.monetary_quintile: smallint
-- type.previous_segment: text
-- type.segment_since_date: date
-- type.plan: text
-- type.driver_1: text
-- type.driver_2: text
-- type.driver_3: text
-- type.list_status: text
-- type.offer: text
-- type.expected_net_value: numeric
--
-- The date and the run are compared with one value each, which prunes partitions, and the few names are joined last, to
-- customers already read: so every plan reads the night once.
with latest_nights as materialized (
    select
        p.as_of_date,
        p.run_id,
        p.in_sample,
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
)

select
    s.as_of_date,
    k.customer_id,
    n.segment,
    s.churn_probability,
    s.risk_band,
    s.risk_percentile,
    s.mrr,
    s.clv,
    s.clv_if_retained,
    s.value_at_risk,
    l.model_version,
    s.run_id,
    s.risk_score,
    s.expected_purchases,
    l.in_sample,
    s.reason_1,
    s.reason_2,
    s.reason_3,
    s.clv_low,
    s.clv_high,
    s.p_alive,
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
    o.list_status,
    o.offer,
    o.expected_net_value
from scores.customer_scores as s
cross join latest_nights as l
inner join staging.customer_keys as k on s.customer_key = k.customer_key
left join night_names as n on s.segment_id = n.segment_id
left join scores.customer_offers as o
    on
        s.customer_key = o.customer_key
        and o.as_of_date = (select d.as_of_date from latest_nights as d)
        and o.run_id = (select e.run_id from latest_nights as e)
where
    s.as_of_date = (select a.as_of_date from latest_nights as a)
    and s.run_id = (select b.run_id from latest_nights as b)
