-- name: customer_attributes_deleted
-- writes: staging.customer_attributes
-- grain: customer × attribute
-- reads: staging.customers
-- params: learned_at
-- window: none
--
-- The attributes of customers who are gone.
update staging.customer_attributes as a
set
    valid_to = greatest(
        cast(:learned_at as timestamp) - interval '1 day',
        a.valid_from + interval '1 microsecond'
    )
where
    a.valid_to = timestamp '9999-12-31'
    and not exists (
        select 1
        from staging.customers as c
        where c.customer_key = a.customer_key and c.valid_to = timestamp '9999-12-31'
    )
