-- name: attribute_values
-- writes: none
-- grain: value of a category among the attributes of loaded customers
-- reads: load_customers
-- params: none
-- window: none
--
-- Any of them may be the id of another customer, such as who recommended this one.
select distinct a.value #>> '{}' as text_value
from load_customers as l
cross join lateral jsonb_each(l.attributes) as a (key, value)
where jsonb_typeof(a.value) = 'string'
