-- name: reasons
-- writes: scores.customer_scores
-- grain: customer with reasons × run
-- reads: scores.attempt_reasons, scores.customer_scores
-- params: as_of, run_id
-- window: none
update scores.customer_scores
set
    reason_1 = r.reason_1,
    reason_2 = r.reason_2,
    reason_3 = r.reason_3,
    driver_1 = r.driver_1,
    driver_2 = r.driver_2,
    driver_3 = r.driver_3
from scores.attempt_reasons as r
where
    customer_scores.as_of_date = cast(:as_of as date)
    and customer_scores.run_id = :run_id
    and customer_scores.customer_key = r.customer_key
    and r.reason_1 is not null
