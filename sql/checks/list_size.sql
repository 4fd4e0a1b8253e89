-- name: list_size
-- writes: none
-- grain: problem
-- reads: ops.table_figures, ops.published
-- params: as_of, run_id, volume_fail
-- window: the last 28 published nights of [as_of - 60, as_of)
-- severity: warn
-- A list that never was empty is not empty, and none is far shorter than lists usually are (quality.volume_fail). That it
-- keeps to its limits is the matter of list_limits.
with nights_before as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    where p.as_of_date >= cast(:as_of as date) - 60 and p.as_of_date < cast(:as_of as date)
    order by p.as_of_date desc
    limit 28
),

lists_before as (
    select min(h.value) as shortest
    from nights_before as n
    inner join ops.table_figures as h
        on
            n.as_of_date = h.as_of_date
            and n.run_id = h.run_id
            and h.table_name = 'scores.at_risk_list'
            and h.figure = 'rows'
)

select cast(t.value as bigint) || ' customers on the list, usually ' || cast(t.usual as bigint) as problem
from ops.table_figures as t
cross join lists_before as b
where
    t.as_of_date = cast(:as_of as date)
    and t.run_id = :run_id
    and t.table_name = 'scores.at_risk_list'
    and t.figure = 'rows'
    and (
        (t.value = 0 and t.usual > 0 and b.shortest > 0)
        or (
            t.value < t.usual * (1 - cast(:volume_fail as double precision))
            and t.usual - t.value > 4 * sqrt(t.usual)
            and t.value < b.shortest
        )
    )
