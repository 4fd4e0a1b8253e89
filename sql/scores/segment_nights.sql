-- name: segment_nights
-- writes: scores.segment_nights
-- grain: segment × run
-- reads: scores.customer_scores, ops.models, ops.segment_outcomes
-- params: as_of, run_id, model_version, outcome_snapshot_id, outcome_as_of
-- window: none
insert into scores.segment_nights (
    as_of_date, run_id, segment_id, segment, description, customers, share, mrr, avg_clv, avg_churn_probability,
    realised_churn_rate, realised_as_of_date
)
with segment_totals as (
    select
        s.segment_id,
        count(*) as customers,
        sum(s.mrr) as mrr,
        sum(s.clv) as clv,
        sum(cast(s.churn_probability as numeric)) as churn_probability
    from scores.customer_scores as s
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
    group by s.segment_id
),

named_segments as (
    select
        cast(e.value ->> 'segment_id' as integer) as segment_id,
        e.value ->> 'name' as segment,
        e.value ->> 'description' as description
    from ops.models as m
    cross join lateral jsonb_array_elements(m.details -> 'segments') as e (value)
    where m.model_version = :model_version
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    n.segment_id,
    n.segment,
    n.description,
    coalesce(t.customers, 0) as customers,
    cast(coalesce(t.customers, 0) as double precision)
    / nullif((select sum(a.customers) from segment_totals as a), 0) as share,
    t.mrr,
    round(t.clv / nullif(t.customers, 0), 2) as avg_clv,
    cast(t.churn_probability / nullif(t.customers, 0) as double precision) as avg_churn_probability,
    cast(o.churned as double precision) / nullif(o.customers, 0) as realised_churn_rate,
    case when o.customers > 0 then cast(:outcome_as_of as date) end as realised_as_of_date
from named_segments as n
left join segment_totals as t on n.segment_id = t.segment_id
left join ops.segment_outcomes as o
    on
        n.segment_id = o.segment_id
        and o.model_version = :model_version
        and o.snapshot_id = cast(:outcome_snapshot_id as bigint)
