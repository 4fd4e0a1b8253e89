-- name: drivers_drift
-- writes: none
-- grain: feature on the latest published night
-- reads: bi.feature_drift, bi.job_runs
-- params: none
-- window: none
select
    f.feature,
    f.psi,
    f.status,
    f.missing_share,
    f.missing_share_trained,
    f.unseen_share
from bi.feature_drift as f
where f.as_of_date = (select max(r.as_of_date) from bi.job_runs as r where r.published)
order by f.psi desc nulls last, f.feature asc
