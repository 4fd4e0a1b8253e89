-- name: list_candidates
-- writes: none
-- grain: contactable customer, the most valuable at risk first
-- reads: scores.customer_scores, staging.customer_keys, staging.customers
-- params: as_of, run_id, list_size
-- window: none
select
    s.customer_key,
    k.customer_id
from scores.customer_scores as s
inner join staging.customer_keys as k on s.customer_key = k.customer_key
inner join staging.customers as c
    on k.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
where
    s.as_of_date = cast(:as_of as date)
    and s.run_id = :run_id
    and coalesce(c.contactable, true)
order by s.value_at_risk desc nulls last, s.risk_score desc, k.customer_id collate "C" asc
limit :list_size
