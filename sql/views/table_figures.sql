-- name: table_figures
-- writes: view bi.table_figures
-- grain: published night × table × figure
-- reads: ops.table_figures, ops.published
-- params: none
-- window: none
-- comment: How large and how whole each table was on each published night, beside what is usual: the checks of volume, freshness, missing values and amounts in bi.data_quality compare the two.
-- example: select as_of_date, value, usual from bi.table_figures where table_name = 'staging.payments' and figure = 'customers' order by as_of_date desc
-- column.as_of_date: Business date of the night.
-- column.table_name: The table, with its schema.
-- column.figure: rows = how many there are (of payments in 35 days, of usage in 7, of tickets in 28); age_days = days from the latest row to the night; null_share.X = share of rows without X, 0 to 1; other names say what they count or add up.
-- column.value: The figure.
-- column.usual: Median of it over the last 28 published nights before; null where fewer than 7 of them have it.
-- column.run_id: Run that published the night; see bi.job_runs.
-- type.as_of_date: date
-- type.table_name: text
-- type.figure: text
-- type.value: double precision
-- type.usual: double precision
-- type.run_id: bigint
select
    f.as_of_date,
    f.table_name,
    f.figure,
    f.value,
    f.usual,
    f.run_id
from ops.published as p
inner join ops.table_figures as f
    on p.as_of_date = f.as_of_date and p.run_id = f.run_id
