-- name: contract_settings
-- writes: none
-- grain: churn.horizon_days × churn.grace_days, the usual ones and the one that is set
-- reads: coverages
-- params: as_of, own_grace_days
-- window: [as_of - horizon_days - grace_days, as_of)
--
-- The churn label of the latest day whose outcome is certain: who was covered then, and whose coverage ended within the
-- horizon and was not resumed within the grace days.
with settings as (
    select distinct
        cast(h.days as integer) as horizon_days,
        cast(g.days as integer) as grace_days,
        cast(:as_of as date) - (cast(h.days as integer) + cast(g.days as integer)) as start_date
    from (values (30), (60), (90)) as h (days)
    cross join (values (0), (7), (14), (30), (60), (cast(:own_grace_days as integer))) as g (days)
),

customers as (
    select
        s.horizon_days,
        s.grace_days,
        s.start_date,
        c.customer_id,
        coalesce(
            bool_or(
                c.ended_on < s.start_date + s.horizon_days
                and (c.next_started_on is null or c.next_started_on > c.ended_on + s.grace_days)
            ),
            false
        ) as churned
    from settings as s
    inner join coverages as c
        on
            c.started_on < cast(:as_of as date)
            and (c.ended_on is null or s.start_date <= c.ended_on)
    group by s.horizon_days, s.grace_days, s.start_date, c.customer_id
    having min(c.started_on) < s.start_date
)

select
    c.horizon_days,
    c.grace_days,
    c.start_date,
    count(*) as customers,
    count(*) filter (where c.churned) as churned,
    cast(count(*) filter (where c.churned) as double precision) / count(*) as churn_rate
from customers as c
group by c.horizon_days, c.grace_days, c.start_date
order by c.horizon_days asc, c.grace_days asc
