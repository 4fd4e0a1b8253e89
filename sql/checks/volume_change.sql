-- name: volume_change
-- writes: none
-- grain: figure of a table
-- reads: ops.table_figures
-- params: as_of, run_id, volume_warn
-- window: none
-- severity: warn
-- No table is more than a fifth smaller than it usually is, or as much larger (quality.volume_warn = 0.2), beyond what chance
-- explains (four times the square root of what is usual; of events, that share of them for as many rows). What is usual is
-- the median of the last 28 published nights.
with judged_figures as (
    select
        j.table_name,
        j.figure,
        j.counted,
        j.meaning
    from (
        values
        ('staging.customers', 'rows', 'rows', 'customers'),
        ('staging.subscriptions', 'rows', 'rows', 'subscriptions'),
        ('staging.subscriptions', 'open', 'open', 'open subscriptions'),
        ('staging.payments', 'customers', 'customers', 'customers who paid in 35 days'),
        ('staging.usage_daily', 'rows', 'rows', 'rows in 7 days'),
        ('staging.usage_daily', 'events', 'rows', 'events in 7 days'),
        ('staging.support_tickets', 'rows', 'rows', 'tickets in 28 days'),
        ('staging.customer_attributes', 'rows', 'rows', 'attributes of customers')
    ) as j (table_name, figure, counted, meaning)
)

select
    t.table_name || ': ' || cast(t.value as bigint) || ' ' || j.meaning || ', usually '
    || cast(t.usual as bigint) as problem
from ops.table_figures as t
inner join judged_figures as j on t.table_name = j.table_name and t.figure = j.figure
inner join ops.table_figures as r
    on t.as_of_date = r.as_of_date and t.run_id = r.run_id and t.table_name = r.table_name and j.counted = r.figure
where
    t.as_of_date = cast(:as_of as date)
    and t.run_id = :run_id
    and abs(t.value - t.usual) * sqrt(r.usual) > 4 * t.usual
    and t.usual > 0
    and (
        t.value < t.usual * (1 - cast(:volume_warn as double precision))
        or t.value > t.usual / (1 - cast(:volume_warn as double precision))
    )
