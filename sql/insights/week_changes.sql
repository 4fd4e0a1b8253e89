-- name: week_changes
-- writes: scores.week_changes
-- grain: measure × (all or a segment)
-- reads: scores.customer_scores, scores.segment_nights, ops.runs, scores.week_changes
-- params: as_of, run_id, compared_date, compared_run_id
-- window: none
--
-- Whoever was scored on both nights is compared with himself, so who came and who went moves no figure but arrivals and
-- departures, and the standard error is that of the customers' own changes. Figures of a model are compared only where
-- both nights used the same one. Sums are taken as numeric, so that they repeat.
insert into scores.week_changes (
    as_of_date, run_id, measure, value, compared_date, customers, figure_before, figure, change, standard_error
)
with night_versions as (
    select
        r.run_id,
        coalesce(r.versions ->> 'segments', '') as segments,
        coalesce(r.versions ->> 'churn', '') as churn,
        coalesce(r.versions ->> 'clv', '') as clv,
        coalesce(r.versions ->> 'clv_method', '') as clv_method
    from ops.runs as r
),

versions as (
    select
        a.segments = b.segments as same_segments,
        a.churn = b.churn as same_churn,
        a.clv = b.clv and a.clv_method = b.clv_method as same_clv
    from night_versions as a
    cross join night_versions as b
    where a.run_id = :run_id and b.run_id = :compared_run_id
),

customers_now as (
    select
        s.customer_key,
        s.segment_id,
        cast(s.churn_probability as numeric) as churn_probability,
        s.value_at_risk,
        s.clv
    from scores.customer_scores as s
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
),

customers_before as (
    select
        s.customer_key,
        s.segment_id,
        cast(s.churn_probability as numeric) as churn_probability,
        s.value_at_risk,
        s.clv
    from scores.customer_scores as s
    where s.as_of_date = cast(:compared_date as date) and s.run_id = :compared_run_id
),

customer_pairs as (
    select
        a.customer_key is not null as is_now,
        b.customer_key is not null as is_before,
        a.segment_id,
        b.segment_id as segment_before,
        a.churn_probability,
        b.churn_probability as probability_before,
        a.value_at_risk,
        b.value_at_risk as value_at_risk_before,
        a.clv,
        b.clv as clv_before
    from customers_now as a
    full outer join customers_before as b on a.customer_key = b.customer_key
),

pair_changes as (
    select
        p.is_now,
        p.is_before,
        p.segment_id,
        p.segment_before,
        p.churn_probability,
        p.probability_before,
        p.value_at_risk,
        p.value_at_risk_before,
        p.clv,
        p.clv_before,
        p.churn_probability - p.probability_before as probability_change,
        p.value_at_risk - p.value_at_risk_before as value_at_risk_change,
        p.clv - p.clv_before as clv_change
    from customer_pairs as p
),

pair_sums as (
    select
        p.segment_id,
        p.segment_before,
        p.is_now,
        p.is_before,
        count(*) as customers,
        count(p.probability_change) as with_probability,
        sum(p.churn_probability) as probability,
        sum(p.probability_before) as probability_before,
        sum(p.probability_change * p.probability_change) as probability_squares,
        count(p.value_at_risk_change) as with_value_at_risk,
        sum(p.value_at_risk) as value_at_risk,
        sum(p.value_at_risk_before) as value_at_risk_before,
        sum(p.value_at_risk_change * p.value_at_risk_change) as value_at_risk_squares,
        count(p.clv_change) as with_clv,
        sum(p.clv) as clv,
        sum(p.clv_before) as clv_before,
        sum(p.clv_change * p.clv_change) as clv_squares
    from pair_changes as p
    group by p.segment_id, p.segment_before, p.is_now, p.is_before
),

head_counts as (
    select
        sum(p.customers) filter (where p.is_now and p.is_before) as stayed,
        sum(p.customers) filter (where p.is_before) as before,
        coalesce(sum(p.customers) filter (where not p.is_before), 0) as arrived,
        coalesce(sum(p.customers) filter (where not p.is_now), 0) as departed
    from pair_sums as p
),

-- One row per difference of two sums: customers, sum before, sum now, sum of squared differences, what to divide by.
differences as (
    select
        'segment_share' as measure,
        n.segment as value,
        h.stayed as customers,
        coalesce(sum(p.customers) filter (where p.segment_before = n.segment_id), 0) as sum_before,
        coalesce(sum(p.customers) filter (where p.segment_id = n.segment_id), 0) as sum_now,
        coalesce(
            sum(p.customers) filter (where (p.segment_id = n.segment_id) <> (p.segment_before = n.segment_id)), 0
        ) as squares,
        cast(h.stayed as numeric) as divisor
    from scores.segment_nights as n
    inner join versions as v on v.same_segments
    cross join head_counts as h
    inner join pair_sums as p on p.is_now and p.is_before
    where n.as_of_date = cast(:as_of as date) and n.run_id = :run_id
    group by n.segment, h.stayed
    union all
    select
        'segment_probability' as measure,
        n.segment as value,
        sum(p.with_probability) as customers,
        sum(p.probability_before) as sum_before,
        sum(p.probability) as sum_now,
        sum(p.probability_squares) as squares,
        sum(p.with_probability) as divisor
    from scores.segment_nights as n
    inner join versions as v on v.same_segments and v.same_churn
    inner join pair_sums as p on n.segment_id = p.segment_id and n.segment_id = p.segment_before
    where n.as_of_date = cast(:as_of as date) and n.run_id = :run_id
    group by n.segment
    union all
    select
        'churn_probability' as measure,
        'all' as value,
        sum(p.with_probability) as customers,
        sum(p.probability_before) as sum_before,
        sum(p.probability) as sum_now,
        sum(p.probability_squares) as squares,
        sum(p.with_probability) as divisor
    from pair_sums as p
    inner join versions as v on v.same_churn
    where p.is_now and p.is_before
    union all
    select
        'value_at_risk' as measure,
        'all' as value,
        sum(p.with_value_at_risk) as customers,
        sum(p.value_at_risk_before) as sum_before,
        sum(p.value_at_risk) as sum_now,
        sum(p.value_at_risk_squares) as squares,
        sum(p.value_at_risk_before) as divisor
    from pair_sums as p
    inner join versions as v on v.same_churn and v.same_clv
    where p.is_now and p.is_before
    union all
    select
        'clv' as measure,
        'all' as value,
        sum(p.with_clv) as customers,
        sum(p.clv_before) as sum_before,
        sum(p.clv) as sum_now,
        sum(p.clv_squares) as squares,
        sum(p.clv_before) as divisor
    from pair_sums as p
    inner join versions as v on v.same_churn and v.same_clv
    where p.is_now and p.is_before
),

-- Money is shown in total, the rest a customer; changes are shares of what was there before, or points.
measured as (
    select
        d.measure,
        d.value,
        d.customers,
        d.sum_before,
        d.sum_now,
        d.squares,
        d.divisor,
        case when d.measure in ('value_at_risk', 'clv') then 1 else d.divisor end as unit
    from differences as d
    where d.divisor > 0
),

flows as (
    select
        'departures' as measure,
        cast(h.departed as double precision) / h.before as figure,
        h.before
    from head_counts as h
    where h.before > 0
    union all
    select
        'arrivals' as measure,
        cast(h.arrived as double precision) / h.before as figure,
        h.before
    from head_counts as h
    where h.before > 0
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    d.measure,
    d.value,
    cast(:compared_date as date) as compared_date,
    d.customers,
    cast(d.sum_before / d.unit as double precision) as figure_before,
    cast(d.sum_now / d.unit as double precision) as figure,
    cast((d.sum_now - d.sum_before) / d.divisor as double precision) as change,
    sqrt(cast(
        greatest(d.squares - power(d.sum_now - d.sum_before, 2) / d.customers, 0) as double precision
    )) / cast(d.divisor as double precision) as standard_error
from measured as d
where d.customers > 0 and d.divisor > 0 and d.sum_now is not null
union all
select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    f.measure,
    'all' as value,
    cast(:compared_date as date) as compared_date,
    f.before as customers,
    w.figure as figure_before,
    f.figure,
    f.figure - w.figure as change,
    sqrt((f.figure + w.figure) / f.before) as standard_error
from flows as f
left join scores.week_changes as w
    on
        f.measure = w.measure
        and w.value = 'all'
        and w.as_of_date = cast(:compared_date as date)
        and w.run_id = :compared_run_id
        and w.as_of_date - w.compared_date = cast(:as_of as date) - cast(:compared_date as date)
