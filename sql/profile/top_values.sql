-- name: top_values
-- writes: none
-- grain: frequent value of a category
-- reads: cells
-- params: most_values, fewest_rows
-- window: none
--
-- Values that few rows have are not shown: they say little, and might name somebody.
with counted as (
    select
        c.column_name,
        c.text_value,
        count(*) as rows,
        cast(count(*) as double precision) / sum(count(*)) over (partition by c.column_name) as share,
        row_number() over (partition by c.column_name order by count(*) desc, c.text_value asc) as place
    from cells as c
    where c.kind in ('category', 'boolean') and c.text_value is not null
    group by c.column_name, c.text_value
)

select
    n.column_name,
    left(n.text_value, 80) as value,
    n.rows,
    n.share
from counted as n
where n.place <= cast(:most_values as integer) and n.rows >= cast(:fewest_rows as integer)
order by n.column_name asc, n.place asc
