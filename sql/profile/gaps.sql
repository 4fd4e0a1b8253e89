-- name: gaps
-- writes: none
-- grain: run of days without a row, between days with rows
-- reads: entity_rows
-- params: as_of, most_gaps
-- window: [, as_of)
with days as (
    select distinct r.happened_on as day
    from entity_rows as r
    where r.happened_on < cast(:as_of as date)
),

followed as (
    select
        d.day,
        lead(d.day) over (order by d.day) as next_day
    from days as d
)

select
    f.day + 1 as from_date,
    f.next_day - 1 as to_date,
    f.next_day - f.day - 1 as days,
    sum(f.next_day - f.day - 1) over () as days_in_all,
    count(*) over () as gaps_in_all
from followed as f
where f.next_day > f.day + 1
order by days desc, from_date desc
limit cast(:most_gaps as integer)
