-- name: realised
-- writes: none
-- grain: evaluated night
-- reads: ops.realised_nights, ops.realised_figures
-- params: as_of
-- window: nights of [as_of - 400, as_of)
-- severity: warn
-- What was found of past nights can be: no more left than were there, figures lie in their range and have a night.
select n.as_of_date || ': ' || n.churners || ' of ' || n.customers || ' left' as problem
from ops.realised_nights as n
where
    n.as_of_date >= cast(:as_of as date) - 400
    and n.as_of_date < cast(:as_of as date)
    and (n.churners not between 0 and n.customers or n.treated_left_out < 0)
union all
select f.as_of_date || ': ' || f.figure || ' of ' || coalesce(cast(f.value as text), 'no evaluated night') as problem
from ops.realised_figures as f
left join ops.realised_nights as n on f.as_of_date = n.as_of_date
where
    f.as_of_date >= cast(:as_of as date) - 400
    and f.as_of_date < cast(:as_of as date)
    and (n.as_of_date is null or (f.figure = 'auc_roc' and f.value not between 0 and 1) or f.value = 'NaN')
