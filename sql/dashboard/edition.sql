-- name: edition
-- writes: none
-- grain: one row
-- reads: bi.job_runs
-- params: none
-- window: none
--
-- Differs whenever a night was published, also an old one anew.
select max(r.run_id) as run_id
from bi.job_runs as r
where r.published
