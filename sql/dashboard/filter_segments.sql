-- name: filter_segments
-- writes: none
-- grain: segment of the latest published night
-- reads: bi.segments
-- params: none
-- window: none
select s.segment
from bi.segments as s
order by s.segment
