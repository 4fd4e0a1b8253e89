-- Support tickets of the simulated company: one row per ticket; satisfaction is 1 to 5, where one was given.
select
    ticket_id,
    customer_id,
    opened_at,
    closed_at,
    severity,
    satisfaction,
    updated_at
from public.support_tickets
