-- Customers and their keys, one in twenty not to be contacted.
with keys as (
    insert into staging.customer_keys (customer_key, customer_id) overriding system value
    select
        n as customer_key,
        'customer ' || n as customer_id
    from generate_series(cast(1 as bigint), :customers) as n
    returning customer_key, customer_id
)

insert into staging.customers (
    customer_id, customer_key, signed_up_at, signed_up_date, contactable, attributes, updated_at, valid_from, valid_to,
    learned_at
)
select
    k.customer_id,
    k.customer_key,
    timestamp '2023-01-01' as signed_up_at,
    date '2023-01-01' as signed_up_date,
    k.customer_key % 20 <> 0 as contactable,
    '{}' as attributes,
    null as updated_at,
    timestamp '0001-01-01' as valid_from,
    timestamp '9999-12-31' as valid_to,
    timestamp '2023-01-01' as learned_at
from keys as k
