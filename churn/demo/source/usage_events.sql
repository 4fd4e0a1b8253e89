-- Usage of the simulated company: one row per event.
select
    event_id,
    customer_id,
    occurred_at,
    event_type,
    quantity
from public.usage_events
