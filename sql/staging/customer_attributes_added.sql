-- name: customer_attributes_added
-- writes: staging.customer_attributes
-- grain: customer × attribute
-- reads: incoming_customer_attributes, staging.customer_attributes
-- params: learned_at
-- window: none
--
-- Sources keep no history of attributes, so even the first value holds only from a day before it was learned.
insert into staging.customer_attributes (
    customer_key, name, text_value, number_value, valid_from, valid_to, learned_at
)
select
    i.customer_key,
    i.name,
    i.text_value,
    i.number_value,
    greatest(cast(:learned_at as timestamp) - interval '1 day', p.valid_to) as valid_from,
    timestamp '9999-12-31' as valid_to,
    cast(:learned_at as timestamp) as learned_at
from incoming_customer_attributes as i
left join lateral (
    select a.valid_to
    from staging.customer_attributes as a
    where a.customer_key = i.customer_key and a.name = i.name
    order by a.valid_from desc
    limit 1
) as p on true
where p.valid_to is null or p.valid_to < timestamp '9999-12-31'
