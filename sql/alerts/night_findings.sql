-- name: night_findings
-- writes: none
-- grain: check of one run that found something
-- reads: bi.data_quality
-- params: run_id
-- window: none
--
-- What a check found is told only where it speaks of tables and features as a whole: elsewhere it names customers.
select
    q.check_name,
    q.severity,
    q.rows,
    case
        when
            q.check_name in (
                'amounts', 'extractions', 'feature_drift', 'feature_drift_score', 'freshness', 'list_size',
                'null_shares', 'probability_mass', 'volume', 'volume_change'
            )
            then q.detail
    end as detail
from bi.data_quality as q
where
    q.run_id = :run_id
    and q.status = 'failed'
order by q.check_name
