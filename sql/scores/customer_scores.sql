-- name: customer_scores
-- writes: scores.customer_scores
-- grain: customer × run
-- reads: scores.feature_snapshots, scores.attempt_segments, scores.attempt_risk, scores.attempt_clv, customer_stages, ops.published, scores.customer_scores, scores.segment_nights
-- params: as_of, run_id, snapshot_id, plan_place, high_from, medium_from, high_value_share, medium_value_share
-- window: none
--
-- A value tier takes the customers whose place from the top by CLV, between 0 and 1, lies below high_value_share, or
-- below it and medium_value_share together. Customers with the same CLV share the place of their middle;
-- where all have the same, a single one included, nothing tells them apart and everybody is medium.
--
-- Only the latest night published before this one is looked at for the segment before. The same segment (by its id,
-- whatever its name) carries on what that night knew; another one is a move on this as_of, and the segment before is
-- told by the name that it had that night.
insert into scores.customer_scores (
    as_of_date, run_id, customer_key, segment_id, risk_score, churn_probability, risk_percentile, risk_band,
    mrr, clv, clv_if_retained, value_at_risk, expected_purchases, clv_low, clv_high, p_alive, value_tier,
    lifecycle_stage, recency_quintile, frequency_quintile, monetary_quintile, previous_segment, segment_since_date,
    plan
)
with scored_customers as (
    select
        f.customer_key,
        f.mrr,
        f.categories[cast(:plan_place as integer)] as plan,
        s.segment_id,
        r.risk_score,
        r.churn_probability,
        round(cast(c.clv as numeric), 2) as clv,
        c.clv_if_retained,
        c.value_if_churned,
        c.expected_purchases,
        round(cast(c.clv_low as numeric), 2) as clv_low,
        round(cast(c.clv_high as numeric), 2) as clv_high,
        c.p_alive,
        g.lifecycle_stage,
        g.recency_quintile,
        g.frequency_quintile,
        g.monetary_quintile,
        100 * percent_rank() over (order by r.risk_score) as risk_percentile
    from scores.feature_snapshots as f
    inner join scores.attempt_segments as s on f.customer_key = s.customer_key
    inner join scores.attempt_risk as r on f.customer_key = r.customer_key
    inner join scores.attempt_clv as c on f.customer_key = c.customer_key
    inner join customer_stages as g on f.customer_key = g.customer_key
    where f.as_of_date = cast(:as_of as date) and f.snapshot_id = :snapshot_id
),

value_counts as (
    select
        s.customer_key,
        count(*) over () as customers,
        rank() over (order by s.clv desc) - 1 as customers_above,
        rank() over (order by s.clv asc) - 1 as customers_below
    from scored_customers as s
    where s.clv is not null
),

value_places as (
    select
        v.customer_key,
        cast(v.customers_above + v.customers - v.customers_below as double precision)
        / (2 * v.customers) as place,
        v.customers_above = 0 and v.customers_below = 0 as is_all_alike
    from value_counts as v
),

nights_before as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    where p.as_of_date < cast(:as_of as date)
    order by p.as_of_date desc
    limit 1
),

customers_before as (
    select
        b.customer_key,
        b.segment_id,
        n.segment,
        b.previous_segment,
        coalesce(b.segment_since_date, b.as_of_date) as segment_since_date
    from nights_before as l
    inner join scores.customer_scores as b
        on l.as_of_date = b.as_of_date and l.run_id = b.run_id
    left join scores.segment_nights as n
        on b.as_of_date = n.as_of_date and b.run_id = n.run_id and b.segment_id = n.segment_id
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    s.customer_key,
    s.segment_id,
    s.risk_score,
    s.churn_probability,
    s.risk_percentile,
    case
        when s.risk_percentile >= cast(:high_from as double precision) then 'high'
        when s.risk_percentile >= cast(:medium_from as double precision) then 'medium'
        else 'low'
    end as risk_band,
    s.mrr,
    s.clv,
    round(cast(s.clv_if_retained as numeric), 2) as clv_if_retained,
    round(cast(s.churn_probability * (s.clv_if_retained - s.value_if_churned) as numeric), 2) as value_at_risk,
    s.expected_purchases,
    s.clv_low,
    s.clv_high,
    s.p_alive,
    case
        when v.is_all_alike then 'medium'
        when v.place < cast(:high_value_share as double precision) then 'high'
        when
            v.place < cast(:high_value_share as double precision) + cast(:medium_value_share as double precision)
            then 'medium'
        when v.place is not null then 'low'
    end as value_tier,
    s.lifecycle_stage,
    s.recency_quintile,
    s.frequency_quintile,
    s.monetary_quintile,
    case when s.segment_id = b.segment_id then b.previous_segment else b.segment end as previous_segment,
    case when s.segment_id = b.segment_id then b.segment_since_date else cast(:as_of as date) end as segment_since_date,
    s.plan
from scored_customers as s
left join value_places as v on s.customer_key = v.customer_key
left join customers_before as b on s.customer_key = b.customer_key
