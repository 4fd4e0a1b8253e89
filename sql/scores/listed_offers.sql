-- name: listed_offers
-- writes: scores.customer_offers
-- grain: customer on the list that the night shows, and scored by this run
-- reads: scores.at_risk_list, scores.customer_scores
-- params: as_of, run_id, list_run_id
-- window: none
insert into scores.customer_offers (
    as_of_date, run_id, customer_key, list_status, offer, expected_net_value, offer_cost, save_rate
)
select
    s.as_of_date,
    s.run_id,
    a.customer_key,
    'listed' as list_status,
    a.offer,
    a.expected_net_value,
    a.offer_cost,
    a.save_rate
from scores.at_risk_list as a
inner join scores.customer_scores as s
    on a.as_of_date = s.as_of_date and a.customer_key = s.customer_key and s.run_id = :run_id
where a.as_of_date = cast(:as_of as date) and a.run_id = :list_run_id
returning customer_offers.customer_key
