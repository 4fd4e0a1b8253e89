-- name: revenue
-- writes: none
-- grain: customer
-- reads: staging.subscription_periods
-- params: as_of
-- window: all history before as_of
--
-- Monthly recurring revenue (MRR) of paid periods. A change against n days ago is null when nothing was paid for on
-- that day. Billing and renewal are those of the dearest active subscription, then of the one that started first.
-- A renewal falls on the day of the month on which the subscription started, or on the last day of a shorter month.
with paid_periods as (
    select
        p.subscription_id,
        p.customer_key,
        p.mrr,
        p.billing_months,
        p.discount_until,
        p.started_date,
        case when p.ended_date < cast(:as_of as date) then p.ended_date end as ended_date,
        (p.ended_date is null or p.ended_date >= cast(:as_of as date)) as is_active,
        min(p.started_date) over (partition by p.subscription_id) as subscribed_date
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

mrr_levels as (
    select
        m.customer_key,
        sum(sum(m.movement)) over (partition by m.customer_key order by m.moved_date asc) as mrr
    from mrr_movements as m
    group by m.customer_key, m.moved_date
),

mrr_peaks as (
    select
        l.customer_key,
        max(l.mrr) as mrr
    from mrr_levels as l
    group by l.customer_key
),

ranked_periods as (
    select
        p.customer_key,
        p.mrr,
        p.billing_months,
        p.discount_until,
        p.started_date,
        p.ended_date,
        p.subscribed_date,
        p.is_active,
        row_number() over (
            partition by p.customer_key
            order by p.is_active desc, p.mrr desc, p.started_date asc, p.subscription_id asc
        ) as importance_rank
    from paid_periods as p
),

customer_revenues as (
    select
        p.customer_key,
        coalesce(sum(p.mrr) filter (where p.is_active), 0) as mrr,
        sum(p.mrr) filter (
            where p.started_date < cast(:as_of as date) - 28
            and (p.ended_date is null or p.ended_date >= cast(:as_of as date) - 28)
        ) as mrr_28d_ago,
        sum(p.mrr) filter (
            where p.started_date < cast(:as_of as date) - 90
            and (p.ended_date is null or p.ended_date >= cast(:as_of as date) - 90)
        ) as mrr_90d_ago,
        max(p.billing_months) filter (
            where p.is_active and p.importance_rank = 1 and p.billing_months > 0
        ) as billing_months,
        max(p.subscribed_date) filter (where p.is_active and p.importance_rank = 1) as subscribed_date,
        max(p.discount_until) filter (
            where p.is_active and p.discount_until < cast(:as_of as date)
        ) as discount_ended_date
    from ranked_periods as p
    group by p.customer_key
),

started_cycles as (
    select
        r.customer_key,
        r.billing_months,
        cast(extract(day from r.subscribed_date) as integer) as renewal_day,
        12 * cast(extract(year from cast(:as_of as date)) as integer)
        + cast(extract(month from cast(:as_of as date)) as integer)
        - 12 * cast(extract(year from r.subscribed_date) as integer)
        - cast(extract(month from r.subscribed_date) as integer) as months_since,
        cast(date_trunc('month', cast(:as_of as date)) as date) as month_start
    from customer_revenues as r
    where r.billing_months is not null and r.subscribed_date is not null
),

due_cycles as (
    select
        c.customer_key,
        c.billing_months,
        c.renewal_day,
        c.month_start,
        case
            when c.months_since % c.billing_months <> 0
                then c.billing_months - c.months_since % c.billing_months
            when c.months_since = 0 then c.billing_months
            when c.month_start + (c.renewal_day - 1) >= cast(:as_of as date) then 0
            else c.billing_months
        end as months_ahead
    from started_cycles as c
),

renewal_months as (
    select
        c.customer_key,
        c.renewal_day,
        cast(
            date_trunc('month', c.month_start + cast(floor(c.months_ahead * 30.4375) as integer) + 14) as date
        ) as month_start
    from due_cycles as c
),

renewals as (
    select
        m.customer_key,
        case
            when m.renewal_day <= 28 then m.month_start + (m.renewal_day - 1)
            when m.month_start + (m.renewal_day - 1) < cast(date_trunc('month', m.month_start + 31) as date)
                then m.month_start + (m.renewal_day - 1)
            else cast(date_trunc('month', m.month_start + 31) as date) - 1
        end as renewal_date
    from renewal_months as m
)

select
    r.customer_key,
    cast(r.mrr as double precision) as mrr,
    cast(r.mrr - r.mrr_28d_ago as double precision) as mrr_change_28d,
    cast(r.mrr - r.mrr_90d_ago as double precision) as mrr_change_90d,
    cast(r.mrr as double precision) / cast(k.mrr as double precision) as mrr_share_of_peak,
    r.billing_months,
    cast(n.renewal_date - cast(:as_of as date) as integer) as days_to_renewal,
    cast(cast(:as_of as date) - r.discount_ended_date as integer) as days_since_discount_end
from customer_revenues as r
inner join mrr_peaks as k on r.customer_key = k.customer_key
left join renewals as n on r.customer_key = n.customer_key
