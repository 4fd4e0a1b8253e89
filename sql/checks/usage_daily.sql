-- name: usage_daily
-- writes: none
-- grain: problem
-- reads: staging.usage_daily
-- params: as_of
-- window: [as_of − 35 days, as_of)
-- severity: warn
-- Usage goes on arriving: some in the last 3 of the 35 days before as_of, where those have any.
select 'the latest usage is of ' || max(u.usage_date) as problem
from staging.usage_daily as u
where u.usage_date >= cast(:as_of as date) - 35 and u.usage_date < cast(:as_of as date)
having max(u.usage_date) < cast(:as_of as date) - 3
