-- name: drift_tonight
-- writes: none
-- grain: status of drift on the latest published night
-- reads: bi.feature_drift, bi.kpi_monthly
-- params: none
-- window: none
select
    d.status,
    count(*) as features,
    max(d.psi) as largest_psi,
    (array_agg(d.feature order by d.psi desc nulls last, d.feature asc))[1] as most_moved,
    bool_or(d.feature = 'churn_probability') as has_score
from bi.feature_drift as d
where
    d.as_of_date = (
        select max(k.as_of_date)
        from bi.kpi_monthly as k
    )
group by d.status
order by array_position(array['fail', 'warn', 'ok'], d.status)
