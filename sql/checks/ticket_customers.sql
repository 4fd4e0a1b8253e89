-- name: ticket_customers
-- writes: none
-- grain: ticket
-- reads: staging.support_tickets, staging.customer_keys
-- params: as_of
-- window: [as_of - 35, as_of)
-- severity: fail
-- Every ticket of the last weeks is of a known customer, and of the day of its time.
select
    'ticket ' || t.ticket_id
    || case
        when k.customer_key is null then ': of a customer that nobody knows'
        else ': opened on another day than at that time'
    end as problem
from staging.support_tickets as t
left join staging.customer_keys as k on t.customer_key = k.customer_key
where
    t.valid_to = timestamp '9999-12-31'
    and t.opened_date >= cast(:as_of as date) - 35
    and t.opened_date < cast(:as_of as date)
    and (k.customer_key is null or t.opened_date <> cast(t.opened_at as date))
