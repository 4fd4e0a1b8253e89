-- name: week_changes
-- writes: none
-- grain: measure × value
-- reads: scores.week_changes
-- params: as_of, run_id
-- window: none
-- severity: fail
-- A change is against a night before, of customers who are there, and of numbers.
select
    c.measure || ', ' || c.value || ': ' || coalesce(c.figure_before, 0) || ' to ' || c.figure || ' of '
    || c.customers || ' customers since ' || c.compared_date as problem
from scores.week_changes as c
where
    c.as_of_date = cast(:as_of as date)
    and c.run_id = :run_id
    and (
        c.compared_date >= cast(:as_of as date)
        or c.customers < 1
        or c.standard_error < 0
        or 'NaN' in (c.figure_before, c.figure, c.change, c.standard_error)
        or 'Infinity' in (c.figure_before, c.figure, c.change, c.standard_error)
    )
