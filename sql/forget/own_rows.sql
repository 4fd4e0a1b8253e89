-- name: own_rows
-- writes: none
-- grain: key of a row of the customer
-- reads: staging.subscriptions, staging.payments, staging.support_tickets
-- params: customer_key
-- window: none
--
-- The ids under which samples of quarantined rows may show what is the customer's.
select s.subscription_id as row_key
from staging.subscriptions as s
where s.customer_key = :customer_key
union
select p.payment_id as row_key
from staging.payments as p
where p.customer_key = :customer_key
union
select t.ticket_id as row_key
from staging.support_tickets as t
where t.customer_key = :customer_key
