-- name: entity
-- writes: none
-- grain: one row
-- reads: entity_rows, known_customers
-- params: latest_at
-- window: none
--
-- A row whose time is endless (infinity) has no day, and counts as a row without a time. A row with several faults is
-- unusable once; of the rows with the same key that are well otherwise, one can be used.
with looked_at as (
    select
        r.row_key,
        r.customer_id,
        r.happened_at,
        r.happened_on,
        r.customer_id is not null and k.customer_id is null as is_orphan,
        r.happened_on is not null
        and r.happened_at <= cast(:latest_at as timestamp)
        and k.customer_id is not null as is_well
    from entity_rows as r
    left join known_customers as k on r.customer_id = k.customer_id
)

select
    count(*) as rows,
    count(distinct r.customer_id) as customers,
    min(r.happened_on) as first_date,
    max(r.happened_on) filter (where r.happened_at <= cast(:latest_at as timestamp)) as last_date,
    count(*) filter (where r.happened_on is null) as without_time,
    count(*) filter (where r.happened_at > cast(:latest_at as timestamp)) as ahead,
    count(*) filter (where r.customer_id is null) as without_customer,
    count(r.row_key) - count(distinct r.row_key) as duplicates,
    count(*) filter (where r.is_orphan) as orphans,
    count(*) filter (where not r.is_well)
    + count(r.row_key) filter (where r.is_well)
    - count(distinct r.row_key) filter (where r.is_well) as unusable
from looked_at as r
