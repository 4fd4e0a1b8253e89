-- name: driver_outcomes_kept
-- writes: scores.group_outcomes
-- grain: behaviour
-- reads: ops.published, scores.group_outcomes
-- params: as_of, run_id, outcome_as_of
-- window: none
--
-- What the latest night before has counted of the same outcome, unless that night has been published anew since.
insert into scores.group_outcomes (
    as_of_date, run_id, dimension, value, outcome_as_of_date, customers, churned, others, others_churned
)
with counting_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    inner join ops.published as o on p.published_at > o.published_at
    where o.as_of_date = cast(:outcome_as_of as date) and p.as_of_date < cast(:as_of as date)
    order by p.as_of_date desc
    limit 1
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    g.dimension,
    g.value,
    g.outcome_as_of_date,
    g.customers,
    g.churned,
    g.others,
    g.others_churned
from counting_nights as c
inner join scores.group_outcomes as g on c.as_of_date = g.as_of_date and c.run_id = g.run_id
where g.dimension = 'driver' and g.outcome_as_of_date = cast(:outcome_as_of as date)
