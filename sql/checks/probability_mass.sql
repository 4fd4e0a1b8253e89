-- name: probability_mass
-- writes: none
-- grain: problem
-- reads: ops.table_figures, ops.runs, ops.model_performance
-- params: as_of, run_id, volume_warn, volume_fail, null_share_warn
-- window: none
-- severity: warn
-- As many are expected to leave as usually are (quality.volume_warn), and not half or double the share that left in the
-- model's test (quality.volume_fail), beyond chance; not more probabilities than usual, by a tenth, say yes or no outright.
with night_figures as (
    select
        max(t.value) filter (where t.figure = 'rows') as customers,
        max(t.value) filter (where t.figure = 'mean_probability') as mean_probability,
        max(t.usual) filter (where t.figure = 'mean_probability') as usual_mean,
        max(t.value) filter (where t.figure = 'extreme_share') as extreme_share,
        max(t.usual) filter (where t.figure = 'extreme_share') as usual_extreme_share
    from ops.table_figures as t
    where
        t.as_of_date = cast(:as_of as date)
        and t.run_id = :run_id
        and t.table_name = 'scores.customer_scores'
),

compared_means as (
    select
        'usually' as meaning,
        f.mean_probability,
        f.usual_mean as other,
        f.customers,
        cast(:volume_warn as double precision) as limit_share
    from night_figures as f
    union all
    select
        'in the test of its model' as meaning,
        f.mean_probability,
        m.base_rate as other,
        f.customers,
        cast(:volume_fail as double precision) as limit_share
    from night_figures as f
    inner join ops.runs as r on r.run_id = :run_id
    inner join ops.model_performance as m
        on r.versions ->> 'churn' = m.model_version and m.evaluation = 'out_of_time'
)

select
    round(cast(100 * c.mean_probability as numeric), 2) || ' % are expected to leave, '
    || c.meaning || ' ' || round(cast(100 * c.other as numeric), 2) || ' %' as problem
from compared_means as c
where
    c.other > 0
    and abs(c.mean_probability - c.other) > 4 * sqrt(c.other / c.customers)
    and (
        c.mean_probability < c.other * (1 - c.limit_share)
        or c.mean_probability > c.other / nullif(1 - c.limit_share, 0)
    )
union all
select
    round(cast(100 * f.extreme_share as numeric), 1)
    || ' % of the probabilities are below 0.001 or above 0.999, usually '
    || round(cast(100 * f.usual_extreme_share as numeric), 1) || ' %' as problem
from night_figures as f
where f.extreme_share > f.usual_extreme_share + cast(:null_share_warn as double precision)
