-- name: report_night
-- writes: none
-- grain: one row
-- reads: bi.job_runs
-- params: as_of
-- window: none
select
    count(*) as nights,
    min(r.as_of_date) as first_date,
    max(r.run_id) filter (where r.as_of_date = cast(:as_of as date)) as run_id,
    max(r.started_at + r.duration_s * interval '1 second') filter (
        where r.as_of_date = cast(:as_of as date)
    ) as finished_at,
    max(nullif(r.versions ->> 'churn', 'recency-rule')) filter (
        where r.as_of_date = cast(:as_of as date)
    ) as model_version
from bi.job_runs as r
where r.published
