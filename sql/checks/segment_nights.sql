-- name: segment_nights
-- writes: none
-- grain: problem
-- reads: scores.segment_nights, scores.customer_scores
-- params: as_of, run_id
-- window: none
-- severity: fail
-- Every score has a named segment, names differ, and the segments' customers add up to the scored ones.
with scored_segments as (
    select
        s.segment_id,
        count(*) as customers
    from scores.customer_scores as s
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
    group by s.segment_id
),

named_segments as (
    select
        n.segment_id,
        n.segment,
        n.customers
    from scores.segment_nights as n
    where n.as_of_date = cast(:as_of as date) and n.run_id = :run_id
)

select 'segment_id ' || s.segment_id || ': ' || s.customers || ' customers in a segment without a name' as problem
from scored_segments as s
left join named_segments as n on s.segment_id = n.segment_id
where n.segment_id is null
union all
select n.segment || ': the name of ' || count(*) || ' segments' as problem
from named_segments as n
group by n.segment
having count(*) > 1
union all
select n.segment || ': ' || n.customers || ' customers, but ' || coalesce(s.customers, 0) || ' scores' as problem
from named_segments as n
left join scored_segments as s on n.segment_id = s.segment_id
where n.customers <> coalesce(s.customers, 0)
