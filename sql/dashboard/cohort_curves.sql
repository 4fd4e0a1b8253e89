-- name: cohort_curves
-- writes: none
-- grain: chosen signup month, and all that are shown, × months since
-- reads: bi.retention_cohorts
-- params: months, cohorts
-- window: none
--
-- All that are shown are followed as long as half of them have come so far: what only old ones reach is no average.
-- What may still change, since a gap may be bridged, is left out.
-- Where none is chosen: of the signup months with three months since, the first, the middle one and the last.
with ranked_months as (
    select
        c.signup_month,
        c.months_since,
        c.customers,
        c.retained,
        c.retention_rate,
        c.revenue,
        c.is_provisional,
        dense_rank() over (order by c.signup_month desc) as months_back
    from bi.retention_cohorts as c
),

shown_months as (
    select
        r.signup_month,
        r.months_since,
        r.customers,
        r.retained,
        r.retention_rate,
        r.revenue,
        r.is_provisional
    from ranked_months as r
    where r.months_back <= cast(:months as integer)
),

old_enough as (
    select
        s.signup_month,
        row_number() over (order by s.signup_month) as place,
        count(*) over () as places
    from shown_months as s
    where s.months_since = 3
),

named_months as (
    select n.signup_month
    from unnest(cast(:cohorts as date[])) as n (signup_month)
),

chosen_months as (
    select n.signup_month
    from named_months as n
    union
    select o.signup_month
    from old_enough as o
    where
        not exists (select m.signup_month from named_months as m)
        and o.place in (1, (o.places + 1) / 2, o.places)
)

select
    to_char(s.signup_month, 'YYYY-MM') as cohort,
    s.months_since,
    s.customers,
    s.retained,
    s.retention_rate,
    s.revenue / nullif(s.customers, 0) as revenue_per_customer
from shown_months as s
inner join chosen_months as h on s.signup_month = h.signup_month
where not s.is_provisional
union all
select
    'all shown' as cohort,
    a.months_since,
    sum(a.customers) as customers,
    sum(a.retained) as retained,
    cast(sum(a.retained) as double precision) / nullif(sum(a.customers), 0) as retention_rate,
    sum(a.revenue) / nullif(sum(a.customers), 0) as revenue_per_customer
from shown_months as a
where not a.is_provisional
group by a.months_since
having 2 * count(*) >= (select count(distinct s.signup_month) from shown_months as s)
order by cohort, months_since
