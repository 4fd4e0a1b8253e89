-- name: feature_drift
-- writes: none
-- grain: problem
-- reads: ops.feature_drift
-- params: run_id
-- window: none
-- severity: warn
-- Features, and a score, that no longer look like those that the model learned from (monitoring.psi_warn).
select
    d.feature
    || ': PSI ' || coalesce(cast(round(cast(d.psi as numeric), 2) as text), 'unknown')
    || ', missing ' || round(cast(100 * d.missing_share as numeric), 1) || ' % (in training '
    || round(cast(100 * d.missing_share_trained as numeric), 1) || ' %)'
    || case
        when d.unseen_share > 0
            then ', ' || round(cast(100 * d.unseen_share as numeric), 1) || ' % in categories never seen'
        else ''
    end as problem
from ops.feature_drift as d
where
    d.run_id = :run_id
    and d.status <> 'ok'
