-- name: realised_counts
-- writes: none
-- grain: one row
-- reads: scores.customer_scores, churn_labels, campaign_weights
-- params: as_of, run_id
-- window: the label window of as_of
select
    count(*) filter (where coalesce(w.weight, 1) > 0) as customers,
    count(*) filter (where coalesce(w.weight, 1) > 0 and l.churned) as churners,
    count(*) filter (where w.weight = 0) as treated_left_out
from scores.customer_scores as s
inner join churn_labels as l on s.customer_key = l.customer_key
left join campaign_weights as w on s.customer_key = w.customer_key
where
    s.as_of_date = cast(:as_of as date)
    and s.run_id = :run_id
