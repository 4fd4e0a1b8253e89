-- name: usage_removed
-- writes: staging.usage_daily
-- grain: customer × usage_date × event_type
-- reads: incoming_usage_events
-- params: since_date
-- window: [since_date, ∞)
--
-- Of the days that were read again, what the source no longer says in just this way.
delete from staging.usage_daily as u
where
    u.usage_date >= cast(:since_date as date)
    and not exists (
        select 1
        from incoming_usage_events as i
        where
            i.customer_key = u.customer_key
            and i.usage_date = u.usage_date
            and i.event_type = u.event_type
            and i.events = u.events
            and i.quantity = u.quantity
    )
