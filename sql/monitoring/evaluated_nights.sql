-- name: evaluated_nights
-- writes: none
-- grain: published night that was compared with what became of it
-- reads: ops.realised_nights, ops.published
-- params: none
-- window: none
select
    e.as_of_date,
    e.run_id,
    e.model_version,
    e.customers
from ops.realised_nights as e
inner join ops.published as p on e.as_of_date = p.as_of_date and e.run_id = p.run_id
order by e.as_of_date
