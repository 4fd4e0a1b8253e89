-- name: report_listed
-- writes: none
-- grain: customer on the list of one published night
-- reads: bi.customer_scores_history
-- params: as_of, customers
-- window: none
--
-- In the order of what the offer was expected to earn, without a model by risk.
select
    h.customer_id,
    h.offer,
    h.churn_probability,
    h.value_at_risk,
    h.expected_net_value,
    h.segment,
    h.reason_1
from bi.customer_scores_history as h
where h.as_of_date = cast(:as_of as date) and h.list_status = 'listed'
order by h.expected_net_value desc nulls last, h.risk_percentile desc, h.customer_id asc
limit cast(:customers as integer)
