-- name: customer_stages
-- writes: none
-- grain: customer of the snapshot
-- reads: scores.feature_snapshots, ops.snapshots, ops.feature_sets, returned_customers
-- params: as_of, snapshot_id, inactivity_days
-- window: that of the features
--
-- Lifecycle stage: the first of these that holds.
--   won_back   came back (returned_customers): contractual within the last 180 days, after more than grace_days
--              without paid coverage; inactivity within inactivity_days, after more than those without a purchase.
--   new        a customer for less than 90 days: paid days where churn is contractual, days since the first purchase
--              where it is by inactivity, days since sign-up where neither is known.
--   dormant    contractual: no use for 30 days; where no usage is mapped, no payment for a billing period (taken as
--              31 days a month, a year where unknown) and 30 days more; where no payments are mapped either, nobody.
--              inactivity: no purchase for two thirds of inactivity_days and, where usage is mapped, no use for 30 days.
--   declining  contractual: mrr lower than 90 days ago, or use halved; inactivity: spend halved.
--   growing    contractual: mrr higher than 90 days ago, or use doubled; inactivity: spend doubled.
--   mature     everybody else.
-- Use and spend are those of the last 90 days against the 90 before. Half is a trend of -1/3, double one of 1/3. Of a
-- customer younger than 180 days the 90 days before are not whole: use is compared over 28 days and spend is not; where
-- spend says nothing, use is taken.
--
-- Quintiles: 1 + the fifth that a customer's place among those known falls in, counted from the worst; 5 is best. Equal
-- values share the place of their middle, and so a quintile, which may then hold more or less than a fifth of the
-- customers: where 85 of 100 used the product yesterday they have 3, and so has everybody where all values are equal.
-- Recency is days since the last purchase, frequency the days with a repeat purchase, monetary the spend of a year;
-- where no payments are mapped: days since the last use, active days of 90, mrr.
--
-- The places of the features are materialized: merged into the next step, each would be looked up for every customer.
--
-- A place below is the customers worse plus those worse or equal: twice the place of the middle.
with feature_places as materialized (
    select
        s.population,
        array_position(n.numbers, 'tenure_days') as tenure_days,
        array_position(n.numbers, 'paid_tenure_days') as paid_tenure_days,
        array_position(n.numbers, 't_days') as t_days,
        array_position(n.numbers, 'billing_months') as billing_months,
        array_position(n.numbers, 'mrr_change_90d') as mrr_change_90d,
        array_position(n.numbers, 'days_since_last_usage') as days_since_last_usage,
        array_position(n.numbers, 'active_days_90d') as active_days_90d,
        array_position(n.numbers, 'events_trend_28d') as events_trend_28d,
        array_position(n.numbers, 'events_trend_90d') as events_trend_90d,
        array_position(n.numbers, 'days_since_last_purchase') as days_since_last_purchase,
        array_position(n.numbers, 'frequency') as frequency,
        array_position(n.numbers, 'spend_365d') as spend_365d,
        array_position(n.numbers, 'spend_trend_90d') as spend_trend_90d
    from ops.snapshots as s
    inner join ops.feature_sets as n on s.feature_set_id = n.feature_set_id
    where s.snapshot_id = :snapshot_id
),

customer_facts as (
    select
        f.customer_key,
        p.population = 'contractual' as is_contractual,
        p.days_since_last_usage is not null as has_usage,
        case
            when p.population = 'contractual'
                then coalesce(nullif(f.numbers[p.paid_tenure_days], 'NaN'), nullif(f.numbers[p.tenure_days], 'NaN'))
            else coalesce(nullif(f.numbers[p.t_days], 'NaN'), nullif(f.numbers[p.tenure_days], 'NaN'))
        end as age_days,
        coalesce(nullif(f.numbers[p.billing_months], 'NaN'), 12) as billing_months,
        nullif(f.numbers[p.mrr_change_90d], 'NaN') as mrr_change_90d,
        nullif(f.numbers[p.days_since_last_usage], 'NaN') as days_since_last_usage,
        nullif(f.numbers[p.events_trend_28d], 'NaN') as events_trend_28d,
        nullif(f.numbers[p.events_trend_90d], 'NaN') as events_trend_90d,
        nullif(f.numbers[p.days_since_last_purchase], 'NaN') as days_since_last_purchase,
        nullif(f.numbers[p.spend_trend_90d], 'NaN') as spend_trend_90d,
        nullif(f.numbers[coalesce(p.days_since_last_purchase, p.days_since_last_usage)], 'NaN') as silent_days,
        nullif(f.numbers[coalesce(p.frequency, p.active_days_90d)], 'NaN') as active_days,
        case
            when p.spend_365d is null then cast(f.mrr as double precision)
            else cast(nullif(f.numbers[p.spend_365d], 'NaN') as double precision)
        end as spend
    from scores.feature_snapshots as f
    cross join feature_places as p
    where f.as_of_date = cast(:as_of as date) and f.snapshot_id = :snapshot_id
),

customer_trends as (
    select
        c.customer_key,
        case when c.age_days < 180 then c.events_trend_28d else c.events_trend_90d end as use_trend,
        case when c.age_days >= 180 then c.spend_trend_90d end as spend_trend
    from customer_facts as c
),

customer_moves as (
    select
        c.customer_key,
        case
            when c.is_contractual and c.has_usage then coalesce(c.days_since_last_usage >= 30, true)
            when c.is_contractual then c.days_since_last_purchase >= 31 * c.billing_months + 30
            else
                3 * c.days_since_last_purchase >= 2 * cast(:inactivity_days as integer)
                and (not c.has_usage or coalesce(c.days_since_last_usage >= 30, true))
        end as is_dormant,
        case when c.is_contractual then c.mrr_change_90d end as mrr_change,
        case when c.is_contractual then t.use_trend else coalesce(t.spend_trend, t.use_trend) end as trend
    from customer_facts as c
    inner join customer_trends as t on c.customer_key = t.customer_key
),

customer_ranks as (
    select
        c.customer_key,
        count(*) over (partition by c.silent_days is null) as recency_known,
        rank() over recency - 1 + count(*) over recency as recency_place,
        count(*) over (partition by c.active_days is null) as frequency_known,
        rank() over frequency - 1 + count(*) over frequency as frequency_place,
        count(*) over (partition by c.spend is null) as monetary_known,
        rank() over monetary - 1 + count(*) over monetary as monetary_place
    from customer_facts as c
    window
        recency as (partition by c.silent_days is null order by c.silent_days desc),
        frequency as (partition by c.active_days is null order by c.active_days asc),
        monetary as (partition by c.spend is null order by c.spend asc)
)

select
    c.customer_key,
    case
        when r.customer_key is not null then 'won_back'
        when c.age_days < 90 then 'new'
        when m.is_dormant then 'dormant'
        when m.mrr_change < 0 or 3 * m.trend <= -1 then 'declining'
        when m.mrr_change > 0 or 3 * m.trend >= 1 then 'growing'
        else 'mature'
    end as lifecycle_stage,
    case
        when c.silent_days is not null then cast(1 + 5 * k.recency_place / (2 * k.recency_known) as smallint)
    end as recency_quintile,
    case
        when c.active_days is not null then cast(1 + 5 * k.frequency_place / (2 * k.frequency_known) as smallint)
    end as frequency_quintile,
    case
        when c.spend is not null then cast(1 + 5 * k.monetary_place / (2 * k.monetary_known) as smallint)
    end as monetary_quintile
from customer_facts as c
inner join customer_moves as m on c.customer_key = m.customer_key
inner join customer_ranks as k on c.customer_key = k.customer_key
left join returned_customers as r on c.customer_key = r.customer_key
