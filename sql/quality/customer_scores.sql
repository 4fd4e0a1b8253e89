-- name: customer_scores
-- writes: ops.table_figures
-- grain: figure
-- reads: scores.customer_scores
-- params: as_of, run_id
-- window: none
--
-- `extreme_share` is that of the probabilities below 0.001 or above 0.999. Sums are taken as numeric, so that they repeat.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with table_totals as (
    select
        count(*) as rows,
        count(s.churn_probability) as predicted,
        sum(cast(s.churn_probability as numeric)) as expected_churners,
        count(*) filter (where s.churn_probability < 0.001 or s.churn_probability > 0.999) as extreme,
        sum(s.clv) as clv,
        sum(s.value_at_risk) as value_at_risk,
        count(*) filter (where s.churn_probability is null) as without_churn_probability,
        count(*) filter (where s.mrr is null) as without_mrr,
        count(*) filter (where s.clv is null) as without_clv,
        count(*) filter (where s.clv_if_retained is null) as without_clv_if_retained,
        count(*) filter (where s.value_tier is null) as without_value_tier,
        count(*) filter (where s.plan is null) as without_plan,
        count(*) filter (where s.reason_1 is null) as without_reason_1
    from scores.customer_scores as s
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
)

select
    cast(:run_id as bigint) as run_id,
    cast(:as_of as date) as as_of_date,
    'scores.customer_scores' as table_name,
    f.figure,
    f.value
from table_totals as t
cross join
    lateral (
        values
        ('rows', t.rows),
        ('expected_churners', cast(t.expected_churners as double precision)),
        ('mean_probability', cast(t.expected_churners as double precision) / nullif(t.predicted, 0)),
        ('extreme_share', cast(t.extreme as double precision) / nullif(t.predicted, 0)),
        ('clv', cast(t.clv as double precision)),
        ('value_at_risk', cast(t.value_at_risk as double precision)),
        ('null_share.churn_probability', cast(t.without_churn_probability as double precision) / nullif(t.rows, 0)),
        ('null_share.mrr', cast(t.without_mrr as double precision) / nullif(t.rows, 0)),
        ('null_share.clv', cast(t.without_clv as double precision) / nullif(t.rows, 0)),
        ('null_share.clv_if_retained', cast(t.without_clv_if_retained as double precision) / nullif(t.rows, 0)),
        ('null_share.value_tier', cast(t.without_value_tier as double precision) / nullif(t.rows, 0)),
        ('null_share.plan', cast(t.without_plan as double precision) / nullif(t.rows, 0)),
        ('null_share.reason_1', cast(t.without_reason_1 as double precision) / nullif(t.rows, 0))
    ) as f (figure, value)
where f.value is not null
