-- name: usage_late
-- writes: none
-- grain: one row
-- reads: load_usage_late, staging.usage_daily, staging.customers
-- params: from_date, to_date
-- window: [from_date, to_date)
--
-- Events that the source has and staging lacks, of days that are no longer read again; counted a customer at a time.
with staged_customers as (
    select
        u.customer_key,
        sum(u.events) as events
    from staging.usage_daily as u
    where u.usage_date >= cast(:from_date as date) and u.usage_date < cast(:to_date as date)
    group by u.customer_key
)

select cast(coalesce(sum(greatest(l.events - coalesce(s.events, 0), 0)), 0) as bigint) as late_rows
from load_usage_late as l
inner join staging.customers as c on l.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
left join staged_customers as s on c.customer_key = s.customer_key
