-- name: list_drivers
-- writes: none
-- grain: customer with reasons × run
-- reads: scores.customer_scores
-- params: as_of, run_id
-- window: none
select
    s.customer_key,
    s.driver_1,
    s.driver_2,
    s.driver_3
from scores.customer_scores as s
where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id and s.driver_1 is not null
order by s.customer_key asc
