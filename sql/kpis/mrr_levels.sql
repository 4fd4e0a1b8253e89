-- name: mrr_levels
-- writes: none
-- grain: customer × date on which mrr moved
-- reads: staging.subscription_periods
-- params: as_of, grace_days
-- window: all history before as_of
--
-- A customer's mrr from the end of from_date on, until the end of the next date on which it moves: what the label sees
-- of every as_of after the one and up to the other. A level of 0 is a gap. A gap that ends within grace_days was no
-- loss: it is bridged at the mrr before it. One that nobody knows the end of counts as a loss.
--
-- from_month and to_month count months (12 × year + month): the level holds at the start of every month after from_month
-- up to and with to_month. The month after the last is as_of itself. paid_date is the date from which the customer paid
-- what is shown (the one before a bridged gap), ended_date the next date on which bridged coverage ends, and is_arrival
-- marks where it begins.
with paid_periods as (
    select
        p.customer_key,
        p.mrr,
        p.started_date,
        case when p.ended_date < cast(:as_of as date) then p.ended_date end as ended_date
    from staging.subscription_periods as p
    where p.mrr > 0 and p.started_date < cast(:as_of as date)
),

mrr_movements as (
    select
        p.customer_key,
        p.started_date as moved_date,
        p.mrr as movement
    from paid_periods as p
    union all
    select
        p.customer_key,
        p.ended_date as moved_date,
        -p.mrr as movement
    from paid_periods as p
    where p.ended_date is not null
),

paid_levels as (
    select
        m.customer_key,
        m.moved_date,
        sum(sum(m.movement)) over (partition by m.customer_key order by m.moved_date asc) as mrr,
        lead(m.moved_date) over (partition by m.customer_key order by m.moved_date asc) as next_date
    from mrr_movements as m
    group by m.customer_key, m.moved_date
),

compared_levels as (
    select
        l.customer_key,
        l.moved_date,
        l.next_date,
        l.mrr,
        l.mrr = 0 and l.next_date <= l.moved_date + cast(:grace_days as integer) as is_bridged,
        lag(l.mrr) over (partition by l.customer_key order by l.moved_date asc) as previous_mrr,
        lag(l.moved_date) over (partition by l.customer_key order by l.moved_date asc) as previous_date
    from paid_levels as l
),

bridged_levels as (
    select
        c.customer_key,
        c.moved_date,
        c.next_date,
        c.mrr > 0 as is_covered,
        case when c.is_bridged then c.previous_mrr else c.mrr end as mrr,
        case when c.is_bridged then c.previous_date else c.moved_date end as paid_date
    from compared_levels as c
)

select
    b.customer_key,
    b.moved_date as from_date,
    b.mrr,
    b.is_covered,
    b.paid_date,
    cast(12 * date_part('year', b.moved_date) + date_part('month', b.moved_date) as integer) as from_month,
    case
        when b.next_date is not null
            then cast(12 * date_part('year', b.next_date) + date_part('month', b.next_date) as integer)
        else
            cast(
                12 * date_part('year', cast(:as_of as date) - 1)
                + date_part('month', cast(:as_of as date) - 1) + 1 as integer
            )
    end as to_month,
    b.mrr > 0
    and coalesce(lag(b.mrr) over (partition by b.customer_key order by b.moved_date asc), 0) = 0 as is_arrival,
    min(b.moved_date) over (partition by b.customer_key) as first_date,
    min(b.moved_date) filter (where b.mrr = 0) over (
        partition by b.customer_key
        order by b.moved_date desc
    ) as ended_date
from bridged_levels as b
