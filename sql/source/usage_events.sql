-- usage_events: one row per event. Optional: delete this file if you have none.
--
-- Events are counted by customer, day and type inside your database; each night reads the last days alone
-- (extract.late_days). Keep occurred_at a plain column, best an indexed one, so that Postgres can skip the rest, and
-- avoid limit, distinct and window functions.
--
-- customer_id   as in customers.sql
-- occurred_at   timestamp (with or without zone) or date
-- event_type    what happened, such as login or export; a few dozen values at most
--
-- Optional:
-- quantity      any number that adds up, such as minutes or bytes; null counts as 0
-- event_id      text, integer or uuid; with it an event that was written twice counts once
select
    customer_id,
    occurred_at,
    event_type,
    -- event_id,
    quantity
from usage_events
