-- name: customer_scores
-- writes: scores.customer_scores
-- grain: customer × run
-- reads: scores.feature_snapshots, scores.attempt_segments, scores.attempt_risk, scores.attempt_clv
-- params: as_of, run_id, snapshot_id, high_from, medium_from
-- window: none
insert into scores.customer_scores (
    as_of_date, run_id, customer_key, segment_id, risk_score, churn_probability, risk_percentile, risk_band,
    mrr, clv, clv_if_retained, value_at_risk, expected_purchases
)
with scored_customers as (
    select
        f.customer_key,
        f.mrr,
        s.segment_id,
        r.risk_score,
        r.churn_probability,
        c.clv,
        c.clv_if_retained,
        c.value_if_churned,
        c.expected_purchases,
        100 * percent_rank() over (order by r.risk_score) as risk_percentile
    from scores.feature_snapshots as f
    inner join scores.attempt_segments as s on f.customer_key = s.customer_key
    inner join scores.attempt_risk as r on f.customer_key = r.customer_key
    inner join scores.attempt_clv as c on f.customer_key = c.customer_key
    where f.as_of_date = cast(:as_of as date) and f.snapshot_id = :snapshot_id
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
    round(cast(s.clv as numeric), 2) as clv,
    round(cast(s.clv_if_retained as numeric), 2) as clv_if_retained,
    round(cast(s.churn_probability * (s.clv_if_retained - s.value_if_churned) as numeric), 2) as value_at_risk,
    s.expected_purchases
from scored_customers as s
