-- name: table_volumes
-- writes: none
-- grain: table × published night, the last 35 nights
-- reads: bi.job_runs, bi.table_figures
-- params: none
-- window: none
with last_nights as (
    select r.as_of_date
    from bi.job_runs as r
    where r.published
    order by r.as_of_date desc
    limit 35
)

select
    f.table_name,
    f.as_of_date,
    f.value,
    f.usual,
    f.value / nullif(
        first_value(f.value) over (
            partition by f.table_name
            order by f.as_of_date
        ), 0
    ) as against_first
from last_nights as n
inner join bi.table_figures as f on n.as_of_date = f.as_of_date
where f.figure = 'rows' and f.table_name like 'staging.%'
order by f.table_name, f.as_of_date
