-- name: edition
-- writes: none
-- grain: one row
-- reads: bi.job_runs
-- params: none
-- window: none
--
-- Differs whenever a night was published, also an old one anew, and whenever customers were forgotten.
select
    count(*) as runs,
    sum(r.run_id) as run_ids
from bi.job_runs as r
where r.published or (r.job = 'forget' and r.status = 'succeeded')
