-- name: segment_moves
-- writes: none
-- grain: problem
-- reads: ops.published, scores.customer_scores, scores.segment_nights
-- params: as_of, run_id
-- window: none
-- severity: fail
-- The segment before and the date since then are those that the night published before it tells of the same segments;
-- a segment is the same by its id, whatever its name.
with nights_before as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    where p.as_of_date < cast(:as_of as date)
    order by p.as_of_date desc
    limit 1
),

customers_now as (
    select
        s.customer_key,
        s.segment_id,
        s.previous_segment,
        s.segment_since_date
    from scores.customer_scores as s
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
),

customers_before as (
    select
        s.customer_key,
        s.segment_id,
        n.segment,
        s.previous_segment,
        coalesce(s.segment_since_date, s.as_of_date) as segment_since_date
    from nights_before as b
    inner join scores.customer_scores as s on b.as_of_date = s.as_of_date and b.run_id = s.run_id
    left join scores.segment_nights as n
        on s.as_of_date = n.as_of_date and s.run_id = n.run_id and s.segment_id = n.segment_id
)

select 'customer_key ' || c.customer_key || ': a move that the night before does not bear out' as problem
from customers_now as c
left join customers_before as b on c.customer_key = b.customer_key
where
    c.segment_since_date is null
    or c.segment_since_date > cast(:as_of as date)
    or (b.customer_key is null and (c.previous_segment is not null or c.segment_since_date <> cast(:as_of as date)))
    or (
        b.segment_id <> c.segment_id
        and (c.previous_segment is distinct from b.segment or c.segment_since_date <> cast(:as_of as date))
    )
    or (
        b.segment_id = c.segment_id
        and (
            c.previous_segment is distinct from b.previous_segment
            or c.segment_since_date <> b.segment_since_date
        )
    )
