-- name: latest_night
-- writes: none
-- grain: one row
-- reads: ops.published
-- params: none
-- window: none
select max(p.as_of_date) as as_of_date
from ops.published as p
