-- name: customer_nights
-- writes: none
-- grain: published night that scored the customer, the last 400 of them
-- reads: bi.customer_scores_history
-- params: id
-- window: none
select
    n.as_of_date,
    n.churn_probability,
    n.risk_percentile,
    n.risk_band,
    n.segment,
    n.plan,
    n.mrr,
    n.clv,
    n.clv_low,
    n.clv_high,
    n.value_at_risk,
    n.model_version,
    n.reason_1
from (
    select
        h.as_of_date,
        h.churn_probability,
        h.risk_percentile,
        h.risk_band,
        h.segment,
        h.plan,
        h.mrr,
        h.clv,
        h.clv_low,
        h.clv_high,
        h.value_at_risk,
        h.model_version,
        h.reason_1
    from bi.customer_scores_history as h
    where h.customer_id = cast(:id as text)
    order by h.as_of_date desc
    limit 400
) as n
order by n.as_of_date
