-- name: month_segments
-- writes: none
-- grain: problem
-- reads: scores.month_segments
-- params: as_of
-- window: month begins of [as_of - 62, as_of)
-- severity: fail
-- The segments of the last month begins are of first days of months, and each has one name, by which no other goes.
with segments as (
    select
        m.as_of_date,
        m.segment_id,
        m.segment
    from scores.month_segments as m
    where m.as_of_date >= cast(:as_of as date) - 62 and m.as_of_date < cast(:as_of as date)
    group by m.as_of_date, m.segment_id, m.segment
)

select s.as_of_date || ': segments of a day that begins no month' as problem
from segments as s
where extract(day from s.as_of_date) <> 1
group by s.as_of_date
union all
select s.as_of_date || ', segment_id ' || s.segment_id || ': ' || count(*) || ' names' as problem
from segments as s
group by s.as_of_date, s.segment_id
having count(*) > 1
union all
select s.as_of_date || ', ' || s.segment || ': the name of ' || count(*) || ' segments' as problem
from segments as s
group by s.as_of_date, s.segment
having count(*) > 1
