-- name: close_ranks
-- writes: scores.at_risk_list
-- grain: customer ranked after the forgotten one
-- reads: scores.at_risk_list
-- params: customer_key
-- window: none
--
-- The ranks of a list run from 1 without a gap (a check of later runs); the order of everybody else stays.
with places as (
    select
        g.as_of_date,
        g.run_id,
        g.priority_rank
    from scores.at_risk_list as g
    where g.customer_key = :customer_key
)

update scores.at_risk_list
set priority_rank = at_risk_list.priority_rank - 1
from places as p
where
    at_risk_list.as_of_date = p.as_of_date
    and at_risk_list.run_id = p.run_id
    and at_risk_list.priority_rank > p.priority_rank
