-- name: customers
-- writes: incoming_customers, quarantined_rows (temporary)
-- grain: customer
-- reads: load_customers
-- params: latest_at
-- window: none
--
-- Usable rows go on, the rest are put aside with the first reason that applies. Of rows with one key the latest updated
-- stays; where that decides nothing, one that says not to contact the customer.
with checked_rows as (
    select
        l.customer_id,
        l.signed_up_at,
        l.contactable,
        l.attributes,
        case when isfinite(l.updated_at) then l.updated_at end as updated_at,
        case
            when coalesce(l.customer_id, '') = '' then 'customer_missing'
            when length(l.customer_id) > 200 then 'customer_id_too_long'
            when l.signed_up_at is null then 'time_missing'
            when
                not isfinite(l.signed_up_at) or l.signed_up_at < timestamp '1900-01-01'
                then 'time_out_of_range'
            when l.signed_up_at > cast(:latest_at as timestamp) then 'time_in_future'
        end as reason
    from load_customers as l
),

numbered_rows as (
    select
        c.customer_id,
        c.signed_up_at,
        c.contactable,
        c.attributes,
        c.updated_at,
        c.reason,
        row_number() over (
            partition by c.customer_id, c.reason is null
            order by
                c.updated_at desc nulls last,
                c.contactable asc nulls last,
                c.signed_up_at asc nulls last,
                c.attributes asc
        ) as copy
    from checked_rows as c
),

put_aside as (
    insert into quarantined_rows (entity, reason, row_key)
    select
        'customers' as entity,
        coalesce(n.reason, 'duplicate_key') as reason,
        left(coalesce(n.customer_id, ''), 200) as row_key
    from numbered_rows as n
    where n.reason is not null or n.copy > 1
)

insert into incoming_customers (
    customer_id, signed_up_at, signed_up_date, contactable, attributes, updated_at
)
select
    n.customer_id,
    n.signed_up_at,
    cast(n.signed_up_at as date) as signed_up_date,
    n.contactable,
    jsonb_strip_nulls(n.attributes) as attributes,
    n.updated_at
from numbered_rows as n
where n.reason is null and n.copy = 1
