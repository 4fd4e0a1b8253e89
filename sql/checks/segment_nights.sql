-- name: segment_nights
-- writes: none
-- grain: problem
-- reads: scores.segment_nights, scores.customer_scores
-- params: as_of, run_id
-- window: none
-- severity: fail
-- Every score has a named segment, names differ, and the segments' customers add up to the scored ones.
select 'segment_id ' || s.segment_id || ': ' || count(*) || ' customers in a segment without a name' as problem
from scores.customer_scores as s
where
    s.as_of_date = cast(:as_of as date)
    and s.run_id = :run_id
    and not exists (
        select 1
        from scores.segment_nights as n
        where n.as_of_date = cast(:as_of as date) and n.run_id = :run_id and n.segment_id = s.segment_id
    )
group by s.segment_id
union all
select n.segment || ': the name of ' || count(*) || ' segments' as problem
from scores.segment_nights as n
where n.as_of_date = cast(:as_of as date) and n.run_id = :run_id
group by n.segment
having count(*) > 1
union all
select
    n.segment || ': ' || n.customers || ' customers, but '
    || (
        select count(*)
        from scores.customer_scores as s
        where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id and s.segment_id = n.segment_id
    )
    || ' scores' as problem
from scores.segment_nights as n
where
    n.as_of_date = cast(:as_of as date)
    and n.run_id = :run_id
    and n.customers <> (
        select count(*)
        from scores.customer_scores as s
        where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id and s.segment_id = n.segment_id
    )
