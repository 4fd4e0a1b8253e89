-- name: week_measures
-- writes: none
-- grain: measure × value
-- reads: bi.week_changes
-- params: as_of
-- window: none
select
    w.measure,
    w.value
from bi.week_changes as w
where w.as_of_date = cast(:as_of as date) and w.change is not null
order by w.measure asc, w.value asc
