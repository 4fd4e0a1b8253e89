-- name: usual
-- writes: ops.table_figures
-- grain: figure of the run
-- reads: ops.published, ops.table_figures
-- params: as_of, run_id
-- window: the last 28 published nights of [as_of - 60, as_of)
--
-- What a figure usually is: its median over those nights, and nothing where fewer than 7 of them have it. The sixty days
-- keep nights from another time, such as those of a month-by-month backfill, out of the comparison.
update ops.table_figures as t
set usual = m.usual
from (
    select
        h.table_name,
        h.figure,
        percentile_cont(0.5) within group (order by h.value) as usual
    from (
        select
            p.as_of_date,
            p.run_id
        from ops.published as p
        where p.as_of_date >= cast(:as_of as date) - 60 and p.as_of_date < cast(:as_of as date)
        order by p.as_of_date desc
        limit 28
    ) as n
    inner join ops.table_figures as h on n.as_of_date = h.as_of_date and n.run_id = h.run_id
    where h.value is not null
    group by h.table_name, h.figure
    having count(*) >= 7
) as m
where
    t.as_of_date = cast(:as_of as date)
    and t.run_id = :run_id
    and t.table_name = m.table_name
    and t.figure = m.figure
