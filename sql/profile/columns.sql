-- name: columns
-- writes: none
-- grain: column of an entity
-- reads: cells
-- params: none
-- window: none
select
    c.column_name,
    c.kind,
    count(*) as rows,
    count(*) filter (where c.text_value is null) as missing,
    cast(count(*) filter (where c.text_value is null) as double precision) / count(*) as missing_share,
    count(distinct c.text_value) as distinct_values,
    min(c.number_value) as smallest,
    percentile_cont(0.5) within group (order by c.number_value) as median,
    avg(c.number_value) as mean,
    max(c.number_value) as largest
from cells as c
group by c.place, c.column_name, c.kind
order by c.place
