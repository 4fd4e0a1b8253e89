-- name: totals
-- writes: scores.clv_totals
-- grain: dimension × value × run
-- reads: scores.customer_scores, scores.segment_nights, scores.feature_snapshots, scores.attempt_clv
-- params: as_of, run_id, snapshot_id, plan_place
-- window: none
--
-- What the night's customers are worth together: all, by segment, value tier and plan. The sums are those of the rounded
-- values in scores.customer_scores. The 80 % interval of a total (methods.md D): customers differ from their value
-- independently, so their variances add; what they share (parameters, the level of coming months) moves them together, so
-- shifts add before they are squared. A total of customers whose spread is not known has no interval.
insert into scores.clv_totals (
    as_of_date, run_id, dimension, value, customers, clv, clv_low, clv_high, clv_if_retained
)
with scored_customers as (
    select
        s.customer_key,
        s.clv,
        s.clv_if_retained,
        coalesce(n.segment, '(unknown)') as segment,
        coalesce(s.value_tier, '(unknown)') as value_tier,
        coalesce(f.categories[cast(:plan_place as integer)], '(none)') as plan,
        c.variance,
        c.shifts
    from scores.customer_scores as s
    inner join scores.attempt_clv as c on s.customer_key = c.customer_key
    inner join scores.feature_snapshots as f
        on s.as_of_date = f.as_of_date and s.customer_key = f.customer_key and f.snapshot_id = :snapshot_id
    left join scores.segment_nights as n
        on s.as_of_date = n.as_of_date and s.run_id = n.run_id and s.segment_id = n.segment_id
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
),

total_sums as (
    select
        case
            when grouping(s.segment) = 0 then 'segment'
            when grouping(s.value_tier) = 0 then 'value_tier'
            when grouping(s.plan) = 0 then 'plan'
            else 'all'
        end as dimension,
        coalesce(s.segment, s.value_tier, s.plan, 'all') as value,
        count(*) as customers,
        coalesce(sum(s.clv), 0) as clv,
        coalesce(sum(s.clv_if_retained), 0) as clv_if_retained,
        sum(cast(s.variance as numeric)) as variance,
        bool_and(s.clv is null or (s.variance is not null and s.shifts is not null)) as is_spread_known
    from scored_customers as s
    group by grouping sets ((), (s.segment), (s.value_tier), (s.plan))
),

shift_sums as (
    select
        case
            when grouping(s.segment) = 0 then 'segment'
            when grouping(s.value_tier) = 0 then 'value_tier'
            when grouping(s.plan) = 0 then 'plan'
            else 'all'
        end as dimension,
        coalesce(s.segment, s.value_tier, s.plan, 'all') as value,
        h.place,
        sum(cast(h.shift as numeric)) as shift
    from scored_customers as s
    cross join lateral unnest(s.shifts) with ordinality as h (shift, place)
    group by grouping sets ((h.place), (h.place, s.segment), (h.place, s.value_tier), (h.place, s.plan))
),

shared_variances as (
    select
        h.dimension,
        h.value,
        sum(h.shift * h.shift) as variance
    from shift_sums as h
    group by h.dimension, h.value
),

spread_sums as (
    select
        t.dimension,
        t.value,
        t.customers,
        t.clv,
        t.clv_if_retained,
        case when t.is_spread_known then 1.2816 * sqrt(t.variance + coalesce(v.variance, 0)) end as margin
    from total_sums as t
    left join shared_variances as v on t.dimension = v.dimension and t.value = v.value
    where t.customers > 0 and (t.dimension <> 'plan' or cast(:plan_place as integer) is not null)
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    t.dimension,
    t.value,
    t.customers,
    t.clv,
    case when t.margin is not null then greatest(round(t.clv - t.margin, 2), 0) end as clv_low,
    round(t.clv + t.margin, 2) as clv_high,
    t.clv_if_retained
from spread_sums as t
