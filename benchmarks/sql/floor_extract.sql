-- Floor of extraction, in the source: the days that are read again, grouped to the staging grain.
select
    customer_id,
    cast(occurred_at as date) as usage_date,
    event_type,
    count(*) as events,
    sum(quantity) as quantity
from public.usage_events
where occurred_at >= cast(:first_day as date)
group by customer_id, cast(occurred_at as date), event_type
