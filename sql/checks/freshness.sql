-- name: freshness
-- writes: none
-- grain: table
-- reads: ops.table_figures, ops.published, staging.payments
-- params: as_of, run_id, stale_days
-- window: the last 28 nights published by the day of the latest row
-- severity: warn
-- Rows go on arriving. A table whose latest row was never more than quality.stale_days old in the 28 nights before it came
-- grows daily: it is stale once it lacks that many days more than ever then. Usage is taken to grow daily until there are
-- 7 such nights. Payments that do not come daily are stale after 35 days; of other tables that grow now and then nothing
-- can be said.
with ages as (
    select
        t.table_name,
        cast(t.value as integer) as age_days,
        cast(:as_of as date) - cast(t.value as integer) as latest_date
    from ops.table_figures as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id and t.figure = 'age_days'
),

usual_ages as (
    select
        a.table_name,
        count(h.value) as nights,
        max(h.value) as longest
    from ages as a
    left join lateral (
        select
            p.as_of_date,
            p.run_id
        from ops.published as p
        where p.as_of_date <= a.latest_date and p.as_of_date > a.latest_date - 60
        order by p.as_of_date desc
        limit 28
    ) as n on true
    left join ops.table_figures as h
        on
            n.as_of_date = h.as_of_date
            and n.run_id = h.run_id
            and a.table_name = h.table_name
            and h.figure = 'age_days'
    group by a.table_name
),

limits as (
    select
        a.table_name,
        a.latest_date,
        a.age_days,
        case
            when u.nights >= 7 and u.longest <= cast(:stale_days as integer)
                then cast(:stale_days as integer) + u.longest - 1
            when u.nights < 7 and a.table_name = 'staging.usage_daily' then cast(:stale_days as integer)
            when a.table_name = 'staging.payments' then 35
        end as longest_days
    from ages as a
    inner join usual_ages as u on a.table_name = u.table_name
)

select l.table_name || ': the latest row is of ' || l.latest_date || ', ' || l.age_days || ' days before' as problem
from limits as l
where l.age_days > l.longest_days
union all
select 'staging.payments: the latest row is of ' || max(p.paid_date) as problem
from staging.payments as p
where
    p.paid_date < cast(:as_of as date)
    and exists (
        select 1
        from ops.table_figures as t
        where
            t.as_of_date = cast(:as_of as date) and t.run_id = :run_id and t.table_name = 'staging.payments'
    )
    and not exists (select 1 from ages as a where a.table_name = 'staging.payments')
having max(p.paid_date) is not null
