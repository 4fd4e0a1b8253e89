-- name: latest_drift
-- writes: none
-- grain: feature of the latest published night
-- reads: ops.feature_drift, ops.published
-- params: none
-- window: none
with latest_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

select
    d.feature,
    d.psi,
    d.status
from ops.feature_drift as d
inner join latest_nights as l on d.as_of_date = l.as_of_date and d.run_id = l.run_id
order by d.psi desc nulls last, d.feature asc
