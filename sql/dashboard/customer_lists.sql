-- name: customer_lists
-- writes: none
-- grain: published list that the customer was on, the last 100 of them
-- reads: bi.customer_scores_history, bi.campaign_lists
-- params: id
-- window: none
select
    l.as_of_date,
    l.campaign,
    h.offer,
    h.expected_net_value,
    h.churn_probability,
    l.listed,
    l.is_rehearsal
from bi.customer_scores_history as h
inner join bi.campaign_lists as l on h.as_of_date = l.as_of_date
where
    h.customer_id = cast(:id as text)
    and h.list_status = 'listed'
order by l.as_of_date desc, l.campaign asc
limit 100
