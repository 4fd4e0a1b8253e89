-- name: retention_table
-- writes: none
-- grain: plan, billing period and completed renewals
-- reads: staging.subscription_periods
-- params: as_of, grace_days
-- window: all coverage before as_of
-- A life table of renewals: of the contracts that came up for their next renewal and were seen past it, grace included,
-- how many ended in churn. Renewals completed are months of paid tenure where billing is monthly, else billing periods.
-- Months are of equal length (365.25 / 12 days) and count the days that a customer was paid for, as the feature
-- paid_tenure_days does. A longer contract comes up in the last month of each billing period of its subscription; one
-- that ends in another month came up for that period's renewal, and one that ends in the month after it for the last.
-- Plan and billing are those of the dearest subscription when the month began; without one, of the latest.
with paid_periods as (
    select
        p.customer_key,
        p.subscription_id,
        p.plan,
        p.billing_months,
        p.mrr,
        p.started_date,
        case when p.ended_date < cast(:as_of as date) then p.ended_date else date '9999-12-31' end as ended_date,
        min(p.started_date) over (partition by p.subscription_id) as subscribed_date
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
        s.customer_key,
        s.stay_number,
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
        s.customer_key,
        s.stay_number,
        m.month as tenure_months,
        s.tenure_origin_date + cast(ceil(m.month * 30.4375) as integer) as begins_date,
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
),

contract_months as (
    select distinct on (m.customer_key, m.stay_number, m.tenure_months)
        m.tenure_months,
        m.is_churned,
        p.plan,
        greatest(coalesce(p.billing_months, 1), 1) as billing_months,
        cast(floor((m.begins_date - p.subscribed_date) / 30.4375) as integer) as subscribed_months
    from stay_months as m
    inner join paid_periods as p on m.customer_key = p.customer_key and m.begins_date >= p.started_date
    order by
        m.customer_key asc,
        m.stay_number asc,
        m.tenure_months asc,
        (p.ended_date > m.begins_date) desc,
        p.mrr desc,
        p.started_date desc,
        p.subscription_id asc
),

renewals as (
    select
        c.plan,
        c.billing_months,
        c.is_churned,
        case
            when c.billing_months = 1 then c.tenure_months
            when c.subscribed_months % c.billing_months = c.billing_months - 1
                then greatest(cast(round((c.tenure_months + 1.0) / c.billing_months) as integer) - 1, 0)
            when c.subscribed_months % c.billing_months = 0
                then greatest(c.tenure_months / c.billing_months - 1, 0)
            else c.tenure_months / c.billing_months
        end as renewals
    from contract_months as c
    where c.is_churned or c.subscribed_months % c.billing_months = c.billing_months - 1
)

select
    coalesce(r.plan, '') as plan,
    r.billing_months,
    r.renewals,
    count(*) as at_risk,
    count(*) filter (where r.is_churned) as churned
from renewals as r
group by coalesce(r.plan, ''), r.billing_months, r.renewals
order by coalesce(r.plan, '') asc, r.billing_months asc, r.renewals asc
