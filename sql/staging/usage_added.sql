-- name: usage_added
-- writes: staging.usage_daily
-- grain: customer × usage_date × event_type
-- reads: incoming_usage_events, staging.usage_daily
-- params: since_date
-- window: [since_date, ∞)
--
-- In the order of the partitions and their keys: a first load of millions is indexed sooner, and lies by customer.
insert into staging.usage_daily (customer_key, usage_date, event_type, events, quantity)
select
    i.customer_key,
    i.usage_date,
    i.event_type,
    i.events,
    i.quantity
from incoming_usage_events as i
where
    not exists (
        select 1
        from staging.usage_daily as u
        where
            u.usage_date >= cast(:since_date as date)
            and u.customer_key = i.customer_key
            and u.usage_date = i.usage_date
            and u.event_type = i.event_type
    )
order by
    date_trunc('month', i.usage_date) asc,
    i.customer_key asc,
    i.usage_date asc,
    i.event_type asc
