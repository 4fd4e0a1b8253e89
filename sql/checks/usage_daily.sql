-- name: usage_daily
-- writes: none
-- grain: customer × usage_date × event_type
-- reads: staging.usage_daily, staging.customer_keys
-- params: as_of
-- window: [as_of - 7, as_of)
-- severity: fail
-- The usage of the last week is of known customers and of types with a name, with counts and quantities that can be.
select
    'customer_key ' || u.customer_key || ', ' || u.usage_date
    || case
        when k.customer_key is null then ': usage of a customer that nobody knows'
        else ', ' || u.event_type || ': a type, a count or a quantity that can''t be'
    end as problem
from staging.usage_daily as u
left join staging.customer_keys as k on u.customer_key = k.customer_key
where
    u.usage_date >= cast(:as_of as date) - 7
    and u.usage_date < cast(:as_of as date)
    and (
        k.customer_key is null
        or u.events < 1
        or u.event_type = ''
        or u.quantity in ('NaN', 'Infinity', '-Infinity')
    )
