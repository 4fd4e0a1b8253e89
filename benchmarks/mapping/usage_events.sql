-- usage_events of the benchmark's company.
select
    customer_id,
    occurred_at,
    event_type,
    quantity
from public.usage_events
