-- name: spellings
-- writes: none
-- grain: customer whose id differs from another in case or blanks around it alone
-- reads: staging.customer_keys
-- params: customer_id
-- window: none
select k.customer_id
from staging.customer_keys as k
where
    lower(regexp_replace(k.customer_id, '^\s+|\s+$', '', 'g'))
    = lower(regexp_replace(cast(:customer_id as text), '^\s+|\s+$', '', 'g'))
order by k.customer_id asc
limit 3
