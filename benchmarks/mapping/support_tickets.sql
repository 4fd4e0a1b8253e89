-- support_tickets of the benchmark's company.
select
    ticket_id,
    customer_id,
    opened_at,
    closed_at,
    severity,
    satisfaction,
    updated_at
from public.support_tickets
