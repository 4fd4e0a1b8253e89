-- name: customer_attributes
-- writes: incoming_customer_attributes (temporary)
-- grain: customer × attribute
-- reads: incoming_customers, attribute_customers
-- params: number_names
-- window: none
--
-- One row per attribute that has a value.
insert into incoming_customer_attributes (customer_key, name, text_value, number_value)
select
    i.customer_key,
    a.key as name,
    case when a.key <> all(cast(:number_names as text[])) then a.value end as text_value,
    case when a.key = any(cast(:number_names as text[])) then cast(a.value as double precision) end
        as number_value
from incoming_customers as i
inner join attribute_customers as t on i.customer_key = t.customer_key
cross join lateral jsonb_each_text(i.attributes) as a (key, value)
