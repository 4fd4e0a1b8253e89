-- name: month_segments
-- writes: scores.month_segments
-- grain: customer of the published night of a date
-- reads: ops.published, scores.customer_scores, scores.segment_nights
-- params: month
-- window: none
insert into scores.month_segments (as_of_date, customer_key, segment_id, segment)
select
    s.as_of_date,
    s.customer_key,
    s.segment_id,
    n.segment
from ops.published as p
inner join scores.customer_scores as s on p.as_of_date = s.as_of_date and p.run_id = s.run_id
inner join scores.segment_nights as n
    on s.as_of_date = n.as_of_date and s.run_id = n.run_id and s.segment_id = n.segment_id
where p.as_of_date = cast(:month as date) and s.as_of_date = cast(:month as date)
