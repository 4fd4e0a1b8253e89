-- name: evidence_left_off
-- writes: none
-- grain: one row, or none where nobody is left off whom an offer would pay for
-- reads: bi.list_exclusions
-- params: as_of
-- window: none
select
    e.list_status,
    e.customers,
    e.value_at_risk,
    e.expected_net_value
from bi.list_exclusions as e
where e.as_of_date = cast(:as_of as date) and e.expected_net_value > 0
order by e.expected_net_value desc, e.list_status asc
limit 1
