-- name: volume
-- writes: none
-- grain: figure of a table
-- reads: ops.table_figures, ops.published
-- params: as_of, run_id, volume_fail
-- window: the last 28 published nights of [as_of - 60, as_of)
-- severity: fail
-- No table is suddenly empty, half or double (quality.volume_fail = 0.5) of what it usually is: the median of the last 28
-- nights. What comes and goes, such as usage, may be more than double. Chance alone does not count: a difference has to
-- exceed four times the square root of what is usual. Nor does what an operator has accepted: a night of those 28 that was
-- published at a raised limit, and that tonight is near to.
with judged_figures as (
    select
        j.table_name,
        j.figure,
        j.meaning,
        j.is_stock
    from (
        values
        ('staging.customers', 'rows', 'customers', true),
        ('staging.subscriptions', 'rows', 'subscriptions', true),
        ('staging.subscriptions', 'open', 'open subscriptions', true),
        ('staging.payments', 'customers', 'customers who paid in 31 days', false),
        ('staging.usage_daily', 'rows', 'rows in 7 days', false),
        ('staging.support_tickets', 'rows', 'tickets in 28 days', false),
        ('scores.feature_snapshots', 'rows', 'customers to score', true)
    ) as j (table_name, figure, meaning, is_stock)
),

ranged_figures as (
    select
        f.as_of_date,
        f.run_id,
        f.table_name,
        f.figure,
        j.meaning,
        f.value,
        f.usual,
        f.usual > 0
        and abs(f.value - f.usual) > 4 * sqrt(f.usual)
        and (
            f.value = 0
            or f.value < f.usual * (1 - cast(:volume_fail as double precision))
            or (j.is_stock and f.value > f.usual / nullif(1 - cast(:volume_fail as double precision), 0))
        ) as is_far
    from ops.table_figures as f
    inner join judged_figures as j on f.table_name = j.table_name and f.figure = j.figure
    where f.as_of_date >= cast(:as_of as date) - 60 and f.as_of_date <= cast(:as_of as date)
),

nights_before as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    where p.as_of_date >= cast(:as_of as date) - 60 and p.as_of_date < cast(:as_of as date)
    order by p.as_of_date desc
    limit 28
),

accepted_figures as (
    select
        r.table_name,
        r.figure,
        r.value
    from nights_before as n
    inner join ranged_figures as r on n.as_of_date = r.as_of_date and n.run_id = r.run_id
    where r.is_far
)

select
    t.table_name || ': ' || cast(t.value as bigint) || ' ' || t.meaning || ', usually '
    || cast(t.usual as bigint) as problem
from ranged_figures as t
where
    t.as_of_date = cast(:as_of as date)
    and t.run_id = :run_id
    and t.is_far
    and not exists (
        select 1
        from accepted_figures as a
        where
            a.table_name = t.table_name
            and a.figure = t.figure
            and t.value >= a.value * (1 - cast(:volume_fail as double precision))
            and (
                t.value <= a.value / nullif(1 - cast(:volume_fail as double precision), 0)
                or cast(:volume_fail as double precision) = 1
            )
    )
