-- name: volume
-- writes: none
-- grain: figure of a table
-- reads: ops.table_figures, ops.published
-- params: as_of, run_id, volume_fail, stale_days
-- window: the last 28 published nights of [as_of - 60, as_of)
-- severity: fail
-- Customers and subscriptions are not half or double (quality.volume_fail = 0.5) of what is usual: the median of 28 nights.
-- Double needs all 28, and that the last of them was not near it: growth from a company's first days is none. Of what comes
-- and goes, such as usage, only the end counts: nothing, where there always was something, and the latest row older by
-- quality.stale_days than ever then; a smaller fall may be a holiday and is the matter of volume_change. Chance alone does not
-- count: a difference has to exceed four times the square root of what is usual. Nor does what an operator has accepted: a
-- night of those 28 that was published at a raised limit, and that tonight is near to. A limit of 1 accepts everything.
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
        ('staging.payments', 'customers', 'customers who paid in 35 days', false),
        ('staging.usage_daily', 'rows', 'rows in 7 days', false),
        ('scores.feature_snapshots', 'rows', 'customers to score', true)
    ) as j (table_name, figure, meaning, is_stock)
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

figures_before as (
    select
        f.as_of_date,
        f.table_name,
        f.figure,
        f.value,
        f.usual
    from nights_before as n
    inner join ops.table_figures as f on n.as_of_date = f.as_of_date and n.run_id = f.run_id
),

compared_figures as (
    select
        b.table_name,
        b.figure,
        count(*) as nights,
        min(b.value) as least,
        max(b.value) as most,
        (array_agg(b.value order by b.as_of_date desc))[1] as latest
    from figures_before as b
    group by b.table_name, b.figure
),

figures_tonight as (
    select
        t.table_name,
        t.figure,
        j.meaning,
        j.is_stock,
        t.value,
        t.usual,
        a.value as age_days
    from ops.table_figures as t
    inner join judged_figures as j on t.table_name = j.table_name and t.figure = j.figure
    left join ops.table_figures as a
        on
            t.as_of_date = a.as_of_date
            and t.run_id = a.run_id
            and t.table_name = a.table_name
            and a.figure = 'age_days'
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
),

far_figures as (
    select
        t.table_name,
        t.figure,
        t.meaning,
        t.value,
        t.usual
    from figures_tonight as t
    inner join compared_figures as c on t.table_name = c.table_name and t.figure = c.figure
    left join compared_figures as a on t.table_name = a.table_name and a.figure = 'age_days'
    where
        t.usual > 0
        and abs(t.value - t.usual) > 4 * sqrt(t.usual)
        and case
            when not t.is_stock
                then
                    t.value = 0
                    and c.least > 0
                    and coalesce(t.age_days >= a.most + cast(:stale_days as integer), true)
            when t.value < t.usual
                then t.value <= t.usual * (1 - cast(:volume_fail as double precision))
            else
                c.nights = 28
                and t.value >= t.usual / nullif(1 - cast(:volume_fail as double precision), 0)
                and t.value >= c.latest / (1 - cast(:volume_fail as double precision) / 2)
        end
)

select
    t.table_name || ': ' || cast(t.value as bigint) || ' ' || t.meaning || ', usually ' || cast(t.usual as bigint)
    || case when t.value = 0 then ' (where that is right: quality.volume_fail = 1)' else '' end as problem
from far_figures as t
where
    cast(:volume_fail as double precision) < 1
    and not exists (
        select 1
        from figures_before as b
        where
            b.table_name = t.table_name
            and b.figure = t.figure
            and b.usual > 0
            and abs(b.value - b.usual) > 4 * sqrt(b.usual)
            and (
                b.value <= b.usual * (1 - cast(:volume_fail as double precision))
                or b.value >= b.usual / nullif(1 - cast(:volume_fail as double precision), 0)
            )
            and t.value >= b.value * (1 - cast(:volume_fail as double precision))
            and t.value <= b.value / nullif(1 - cast(:volume_fail as double precision), 0)
    )
