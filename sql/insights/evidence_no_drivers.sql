-- name: evidence_no_drivers
-- writes: none
-- grain: one row
-- reads: bi.churn_drivers
-- params: as_of
-- window: none
select count(*) as drivers
from bi.churn_drivers as d
where d.as_of_date = cast(:as_of as date)
