-- name: group_outcomes
-- writes: none
-- grain: group
-- reads: scores.group_outcomes
-- params: as_of, run_id
-- window: none
-- severity: fail
-- Of no group, nor of the others, have more left than there were; what became of them is of a night before.
select
    g.dimension || ' ' || g.value || ': ' || g.churned || ' of ' || g.customers || ', ' || g.others_churned || ' of '
    || g.others || ' others, as of ' || g.outcome_as_of_date as problem
from scores.group_outcomes as g
where
    g.as_of_date = cast(:as_of as date)
    and g.run_id = :run_id
    and (
        g.churned not between 0 and g.customers
        or g.others_churned not between 0 and g.others
        or g.outcome_as_of_date >= cast(:as_of as date)
    )
