-- name: customer_keys
-- writes: none
-- grain: customer
-- reads: staging.customer_keys, staging.customers
-- params: none
-- window: none
-- severity: fail
-- Each customer known now goes by the key of their id, and signed up on the day of that moment. Who has a row for each id, and
-- an id for each key, has one row for each key.
select
    'customer_key ' || c.customer_key
    || case
        when k.customer_id = c.customer_id then ': signed up on another day than at that time'
        else ': not the key of that customer_id'
    end as problem
from staging.customers as c
left join staging.customer_keys as k on c.customer_key = k.customer_key
where
    c.valid_to = timestamp '9999-12-31'
    and (c.customer_id is distinct from k.customer_id or c.signed_up_date <> cast(c.signed_up_at as date))
