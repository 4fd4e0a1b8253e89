-- name: customer_attributes_closed
-- writes: staging.customer_attributes
-- grain: customer × attribute
-- reads: attribute_customers, incoming_customer_attributes
-- params: learned_at
-- window: none
--
-- A value that changed or went holds until a day before that was learned.
update staging.customer_attributes as a
set
    valid_to = greatest(
        cast(:learned_at as timestamp) - interval '1 day',
        a.valid_from + interval '1 microsecond'
    )
from attribute_customers as t
where
    a.customer_key = t.customer_key
    and a.valid_to = timestamp '9999-12-31'
    and not exists (
        select 1
        from incoming_customer_attributes as i
        where
            i.customer_key = a.customer_key
            and i.name = a.name
            and i.text_value is not distinct from a.text_value
            and i.number_value is not distinct from a.number_value
    )
