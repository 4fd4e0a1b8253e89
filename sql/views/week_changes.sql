-- name: week_changes
-- writes: view bi.week_changes
-- grain: published night × measure × value
-- reads: ops.published, scores.week_changes
-- params: none
-- window: none
-- comment: What changed since about a week before, night by night, among customers scored on both nights; and how many came and went. Figures of a model are there only where both nights used the same one. Past nights show what change is ordinary.
-- example: select measure, value, figure_before, figure, change from bi.week_changes where as_of_date = (select max(as_of_date) from bi.week_changes) order by measure, value
-- column.as_of_date: Business date of the night.
-- column.measure: segment_share, segment_probability (of who was in the segment on both nights), churn_probability, value_at_risk, clv, arrivals or departures.
-- column.value: The segment by its name that night; all where everybody counts.
-- column.compared_date: The night compared with: of those published 5 to 9 days before, the nearest to 7.
-- column.customers: Customers compared: those on both nights; for arrivals and departures those of compared_date.
-- column.figure_before: Their share, mean churn probability, value at risk or CLV on compared_date; of arrivals and departures the share of the week before, null where it is not known.
-- column.figure: The same on as_of_date; arrivals and departures as a share of customers.
-- column.change: figure less figure_before; of value_at_risk and clv as a share of figure_before.
-- column.standard_error: Standard error of change by the differences between customers alone; what moves all customers at once is not in it.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- type.as_of_date: date
-- type.measure: text
-- type.value: text
-- type.compared_date: date
-- type.customers: bigint
-- type.figure_before: double precision
-- type.figure: double precision
-- type.change: double precision
-- type.standard_error: double precision
-- type.run_id: bigint
select
    w.as_of_date,
    w.measure,
    w.value,
    w.compared_date,
    w.customers,
    w.figure_before,
    w.figure,
    w.change,
    w.standard_error,
    w.run_id
from ops.published as p
inner join scores.week_changes as w
    on p.as_of_date = w.as_of_date and p.run_id = w.run_id
