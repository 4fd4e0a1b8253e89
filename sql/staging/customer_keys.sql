-- name: customer_keys
-- writes: staging.customer_keys
-- grain: customer id seen for the first time
-- reads: incoming_customers
-- params: none
-- window: none
--
-- A key is given once and never changes.
insert into staging.customer_keys (customer_id)
select i.customer_id
from incoming_customers as i
left join staging.customer_keys as k on i.customer_id = k.customer_id
where k.customer_id is null
order by i.customer_id collate "C" asc
