-- name: support_tickets
-- writes: incoming_support_tickets, quarantined_rows (temporary)
-- grain: ticket
-- reads: load_support_tickets, staging.customers
-- params: latest_at
-- window: none
--
-- Usable rows go on, the rest are put aside with the first reason that applies. A closing time that is infinite or in
-- the year 9999 means open.
with checked_rows as (
    select
        l.ticket_id,
        l.customer_id,
        c.customer_key,
        l.opened_at,
        case when l.closed_at < timestamp '9999-01-01' then l.closed_at end as closed_at,
        l.severity,
        l.satisfaction,
        case when isfinite(l.updated_at) then l.updated_at end as updated_at,
        case
            when coalesce(l.ticket_id, '') = '' then 'key_missing'
            when length(l.ticket_id) > 200 then 'key_too_long'
            when coalesce(l.customer_id, '') = '' then 'customer_missing'
            when length(l.customer_id) > 200 then 'customer_id_too_long'
            when l.opened_at is null then 'time_missing'
            when not isfinite(l.opened_at) or l.opened_at < timestamp '1900-01-01' then 'time_out_of_range'
            when l.opened_at > cast(:latest_at as timestamp) then 'time_in_future'
            when l.closed_at < l.opened_at then 'ends_before_start'
            when l.satisfaction in (numeric 'NaN', numeric 'Infinity', numeric '-Infinity') then 'not_finite'
            when c.customer_key is null then 'customer_unknown'
        end as reason
    from load_support_tickets as l
    left join staging.customers as c on l.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
),

numbered_rows as (
    select
        r.ticket_id,
        r.customer_id,
        r.customer_key,
        r.opened_at,
        r.closed_at,
        r.severity,
        r.satisfaction,
        r.updated_at,
        r.reason,
        row_number() over (
            partition by r.ticket_id, r.reason is null
            order by
                r.updated_at desc nulls last,
                r.opened_at desc nulls last,
                r.closed_at desc nulls last,
                r.severity asc nulls last,
                r.satisfaction asc nulls last,
                r.customer_key asc nulls last
        ) as copy
    from checked_rows as r
),

put_aside as (
    insert into quarantined_rows (entity, reason, row_key)
    select
        'support_tickets' as entity,
        coalesce(n.reason, 'duplicate_key') as reason,
        left(coalesce(nullif(n.ticket_id, ''), n.customer_id, ''), 200) as row_key
    from numbered_rows as n
    where n.reason is not null or n.copy > 1
)

insert into incoming_support_tickets (
    ticket_id,
    customer_key,
    opened_at,
    opened_date,
    closed_at,
    closed_date,
    severity,
    is_severe,
    satisfaction,
    updated_at
)
select
    n.ticket_id,
    n.customer_key,
    n.opened_at,
    cast(n.opened_at as date) as opened_date,
    n.closed_at,
    cast(n.closed_at as date) as closed_date,
    n.severity,
    coalesce(lower(trim(n.severity)), '') in (
        'high', 'urgent', 'critical', 'severe', 'blocker', 'emergency', 'major',
        'p0', 'p1', 'sev0', 'sev1', '1'
    ) as is_severe,
    n.satisfaction,
    n.updated_at
from numbered_rows as n
where n.reason is null and n.copy = 1
