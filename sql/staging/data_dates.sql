-- name: data_dates
-- writes: none
-- grain: one row
-- reads: staging.customers, staging.subscriptions, staging.payments, ops.watermarks
-- params: none
-- window: none
--
-- First and last business date of the staged data. Usage speaks through its watermark: a scan of it would take longer
-- than the rest of an incremental night.
with dates as (
    select
        min(c.signed_up_date) as first_date,
        max(c.signed_up_date) as last_date
    from staging.customers as c
    union all
    select
        min(s.started_date) as first_date,
        max(s.started_date) as last_date
    from staging.subscriptions as s
    union all
    select
        min(p.paid_date) as first_date,
        max(p.paid_date) as last_date
    from staging.payments as p
    union all
    select
        null as first_date,
        max(cast(w.read_through as date)) as last_date
    from ops.watermarks as w
    where w.entity = 'usage_events'
)

select
    min(d.first_date) as first_date,
    max(d.last_date) as last_date
from dates as d
