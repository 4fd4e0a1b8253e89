-- name: payments
-- writes: incoming_payments, quarantined_rows (temporary)
-- grain: payment
-- reads: load_payments, staging.customers
-- params: latest_at
-- window: none
--
-- Usable rows go on, the rest are put aside with the first reason that applies.
with checked_rows as (
    select
        l.payment_id,
        l.customer_id,
        c.customer_key,
        l.paid_at,
        l.amount,
        lower(trim(l.status)) as status,
        case when isfinite(l.updated_at) then l.updated_at end as updated_at,
        case
            when coalesce(l.payment_id, '') = '' then 'key_missing'
            when length(l.payment_id) > 200 then 'key_too_long'
            when coalesce(l.customer_id, '') = '' then 'customer_missing'
            when length(l.customer_id) > 200 then 'customer_id_too_long'
            when l.paid_at is null then 'time_missing'
            when not isfinite(l.paid_at) or l.paid_at < timestamp '1900-01-01' then 'time_out_of_range'
            when l.paid_at > cast(:latest_at as timestamp) then 'time_in_future'
            when l.amount is null then 'amount_missing'
            when l.amount in (numeric 'NaN', numeric 'Infinity', numeric '-Infinity') then 'not_finite'
            when
                coalesce(lower(trim(l.status)), '') not in ('paid', 'failed', 'refunded')
                then 'status_unknown'
            when c.customer_key is null then 'customer_unknown'
        end as reason
    from load_payments as l
    left join staging.customers as c on l.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
),

numbered_rows as (
    select
        r.payment_id,
        r.customer_id,
        r.customer_key,
        r.paid_at,
        r.amount,
        r.status,
        r.updated_at,
        r.reason,
        row_number() over (
            partition by r.payment_id, r.reason is null
            order by
                r.updated_at desc nulls last,
                r.paid_at desc nulls last,
                r.amount desc nulls last,
                r.status asc nulls last,
                r.customer_key asc nulls last
        ) as copy
    from checked_rows as r
),

put_aside as (
    insert into quarantined_rows (entity, reason, row_key)
    select
        'payments' as entity,
        coalesce(n.reason, 'duplicate_key') as reason,
        left(coalesce(nullif(n.payment_id, ''), n.customer_id, ''), 200) as row_key
    from numbered_rows as n
    where n.reason is not null or n.copy > 1
)

insert into incoming_payments (payment_id, customer_key, paid_at, paid_date, amount, status, updated_at)
select
    n.payment_id,
    n.customer_key,
    n.paid_at,
    cast(n.paid_at as date) as paid_date,
    n.amount,
    n.status,
    n.updated_at
from numbered_rows as n
where n.reason is null and n.copy = 1
