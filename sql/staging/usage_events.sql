-- name: usage_events
-- writes: incoming_usage_events, quarantined_rows (temporary)
-- grain: customer × usage_date × event_type
-- reads: load_usage_events, staging.customers
-- params: none
-- window: none
--
-- A fault of the customer, the day or the type puts the whole group aside; events with a fault of their own were counted
-- beside the rest of their group and are put aside as counts. The groups are checked twice rather than kept in between: a
-- first load has millions.
with checked_groups as not materialized (
    select
        l.customer_id,
        c.customer_key,
        l.usage_date,
        l.event_type,
        l.events,
        l.quantity,
        l.future_events,
        l.endless_events,
        l.duplicate_events,
        l.future_events + l.endless_events + l.duplicate_events as faulty_events,
        case
            when coalesce(l.customer_id, '') = '' then 'customer_missing'
            when length(l.customer_id) > 200 then 'customer_id_too_long'
            when l.usage_date is null then 'time_missing'
            when not isfinite(l.usage_date) or l.usage_date < date '1900-01-01' then 'time_out_of_range'
            when coalesce(l.event_type, '') = '' then 'event_type_missing'
            when length(l.event_type) > 200 then 'event_type_too_long'
            when c.customer_key is null then 'customer_unknown'
        end as reason
    from load_usage_events as l
    left join staging.customers as c on l.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
),

faulty_groups as (
    select
        g.customer_id,
        g.usage_date,
        g.event_type,
        g.events,
        g.future_events,
        g.endless_events,
        g.duplicate_events,
        g.reason
    from checked_groups as g
    where g.reason is not null or g.faulty_events > 0
),

faults as (
    select
        f.customer_id,
        f.usage_date,
        f.event_type,
        r.reason,
        r.events
    from faulty_groups as f
    cross join
        lateral (
            values
            (f.reason, case when f.reason is not null then f.events end),
            ('time_in_future', case when f.reason is null then f.future_events end),
            ('not_finite', case when f.reason is null then f.endless_events end),
            ('duplicate_key', case when f.reason is null then f.duplicate_events end)
        ) as r (reason, events)
    where r.events > 0
),

put_aside as (
    insert into quarantined_rows (entity, reason, row_key, rows)
    select
        'usage_events' as entity,
        f.reason,
        left(
            case
                when f.reason = 'customer_unknown' then f.customer_id
                else concat_ws(' ', f.customer_id, f.usage_date, f.event_type)
            end,
            200
        ) as row_key,
        f.events as rows
    from faults as f
)

insert into incoming_usage_events (customer_key, usage_date, event_type, events, quantity)
select
    g.customer_key,
    g.usage_date,
    g.event_type,
    g.events - g.faulty_events as events,
    g.quantity
from checked_groups as g
where g.reason is null and g.events > g.faulty_events
