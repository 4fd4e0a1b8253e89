-- name: entity
-- writes: none
-- grain: one row
-- reads: entity_rows, known_customers
-- params: latest_at
-- window: none
--
-- A row whose time is endless (infinity) has no day, and counts as a row without a time.
select
    count(*) as rows,
    count(distinct r.customer_id) as customers,
    min(r.happened_on) as first_date,
    max(r.happened_on) filter (where r.happened_at <= cast(:latest_at as timestamp)) as last_date,
    count(*) filter (where r.happened_on is null) as without_time,
    count(*) filter (where r.happened_at > cast(:latest_at as timestamp)) as ahead,
    count(*) filter (where r.customer_id is null) as without_customer,
    count(r.row_key) - count(distinct r.row_key) as duplicates,
    count(*) filter (where r.customer_id is not null and k.customer_id is null) as orphans
from entity_rows as r
left join known_customers as k on r.customer_id = k.customer_id
