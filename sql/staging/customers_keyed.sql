-- name: customers_keyed
-- writes: incoming_customers (temporary)
-- grain: customer
-- reads: staging.customer_keys
-- params: none
-- window: none
update incoming_customers
set customer_key = k.customer_key
from staging.customer_keys as k
where k.customer_id = incoming_customers.customer_id
