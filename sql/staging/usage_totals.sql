-- name: usage_totals
-- writes: none
-- grain: one row
-- reads: load_usage_events, incoming_usage_events
-- params: none
-- window: none
select
    (select coalesce(sum(l.events), 0) from load_usage_events as l) as events_read,
    (select coalesce(sum(i.events), 0) from incoming_usage_events as i) as events_used,
    (select max(i.usage_date) from incoming_usage_events as i) as last_date
