-- name: report_drift
-- writes: none
-- grain: feature that had moved on one published night
-- reads: bi.feature_drift
-- params: as_of
-- window: none
select
    d.feature,
    d.psi,
    d.status,
    d.missing_share,
    d.missing_share_trained
from bi.feature_drift as d
where d.as_of_date = cast(:as_of as date) and d.status <> 'ok'
order by d.psi desc nulls last, d.feature asc
