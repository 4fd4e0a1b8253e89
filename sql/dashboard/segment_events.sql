-- name: segment_events
-- writes: none
-- grain: segment × what happened to it when the segments were fitted anew; the last fifty but for those kept
-- reads: bi.segment_events
-- params: none
-- window: none
select
    e.as_of_date,
    e.event,
    e.segment,
    e.previous_segment,
    e.related_segments,
    e.shared_customers,
    e.shared_share,
    e.reason
from bi.segment_events as e
where e.event <> 'kept'
order by e.as_of_date desc, e.event asc, e.segment asc
limit 50
