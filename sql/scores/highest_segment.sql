-- name: highest_segment
-- writes: none
-- grain: one row
-- reads: ops.models
-- params: none
-- window: none
--
-- The highest id that any segmentation in force, then or now, has given to a segment; 0 before the first.
select coalesce(max(cast(e.value ->> 'segment_id' as integer)), 0) as segment_id
from ops.models as m
cross join lateral jsonb_array_elements(m.details -> 'segments') as e (value)
where m.kind = 'segments' and m.status <> 'challenger'
