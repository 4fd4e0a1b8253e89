-- name: reason_candidates
-- writes: none
-- grain: customer × run
-- reads: scores.customer_scores
-- params: as_of, run_id
-- window: none
select
    s.customer_key,
    s.segment_id,
    s.risk_score,
    s.risk_percentile
from scores.customer_scores as s
where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
order by s.customer_key asc
