-- name: retention_table
-- writes: none
-- grain: completed month of paid tenure
-- reads: staging.subscription_periods
-- params: as_of, grace_days
-- window: all coverage before as_of
-- A life table: of the customer-months that began at a tenure and were observed whole, grace included, how many ended
-- in churn. Months are of equal length (365.25 / 12 days) and count the days that a customer
-- was paid for, as the feature paid_tenure_days does.
with paid_periods as (
    select
        p.customer_key,
        p.started_date,
        case when p.ended_date < cast(:as_of as date) then p.ended_date else date '9999-12-31' end as ended_date
    from staging.subscription_periods as p
    where p.mrr > 0 and p.started_date < cast(:as_of as date)
),

periods_with_cover as (
    select
        p.customer_key,
        p.started_date,
        p.ended_date,
        max(p.ended_date) over (
            partition by p.customer_key
            order by p.started_date asc, p.ended_date asc
            rows between unbounded preceding and 1 preceding
        ) as covered_until
    from paid_periods as p
),

numbered_periods as (
    select
        p.customer_key,
        p.started_date,
        p.ended_date,
        count(*) filter (where p.covered_until is null or p.started_date - p.covered_until > :grace_days) over (
            partition by p.customer_key
            order by p.started_date asc, p.ended_date asc
        ) as stay_number
    from periods_with_cover as p
),

stays as (
    select
        n.customer_key,
        n.stay_number,
        min(n.started_date) as started_date,
        max(n.ended_date) as ended_date
    from numbered_periods as n
    group by n.customer_key, n.stay_number
),

stays_on_tenure as (
    select
        s.ended_date,
        s.started_date,
        s.started_date - cast(
            coalesce(
                sum(s.ended_date - s.started_date) over (
                    partition by s.customer_key
                    order by s.stay_number asc
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as integer
        ) as tenure_origin_date
    from stays as s
),

stay_months as (
    select
        m.month as tenure_months,
        s.ended_date - s.tenure_origin_date <= (m.month + 1) * 30.4375 as is_churned
    from stays_on_tenure as s
    cross join lateral generate_series(
        cast(ceil((s.started_date - s.tenure_origin_date) / 30.4375) as integer),
        cast(
            floor(
                least(
                    (cast(:as_of as date) - :grace_days - s.tenure_origin_date) / 30.4375 - 1,
                    (s.ended_date - s.tenure_origin_date - 1) / 30.4375
                )
            ) as integer
        )
    ) as m (month)
)

select
    s.tenure_months,
    count(*) as at_risk,
    count(*) filter (where s.is_churned) as churned
from stay_months as s
group by s.tenure_months
order by s.tenure_months asc
