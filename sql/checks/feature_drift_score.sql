-- name: feature_drift_score
-- writes: none
-- grain: problem
-- reads: ops.feature_drift
-- params: run_id
-- window: none
-- severity: fail
-- The probabilities of the night are spread quite differently from those of the training (monitoring.psi_fail): a
-- feed has stopped or changed its meaning, or the business has, and then training again is what helps. The features
-- that have moved most are named.
with moved_features as (
    select
        d.feature,
        d.psi,
        row_number() over (order by d.psi desc, d.feature asc) as place
    from ops.feature_drift as d
    where
        d.run_id = :run_id
        and d.feature <> 'churn_probability'
        and d.status <> 'ok'
)

select
    'the probabilities have moved away from the training''s, PSI '
    || round(cast(d.psi as numeric), 2)
    || coalesce(
        ', and most of all the features '
        || (
            select string_agg(m.feature || ' (' || round(cast(m.psi as numeric), 2) || ')', ', ' order by m.place)
            from moved_features as m
            where m.place <= 5
        ),
        ''
    )
    || '; where the business itself has changed, run `churn train`, or raise monitoring.psi_fail' as problem
from ops.feature_drift as d
where
    d.run_id = :run_id
    and d.feature = 'churn_probability'
    and d.status = 'fail'
