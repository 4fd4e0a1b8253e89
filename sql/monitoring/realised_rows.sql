-- name: realised_rows
-- writes: none
-- grain: customer of a published night whose label is known, the treated left out
-- reads: scores.customer_scores, churn_labels, campaign_weights
-- params: as_of, run_id
-- window: the label window of as_of
--
-- stake is what a churner of these costs: value at risk is probability × stake.
select
    s.customer_key,
    cast(l.churned as integer) as churned,
    s.churn_probability,
    s.segment_id,
    cast(s.value_at_risk as double precision) / nullif(s.churn_probability, 0) as stake,
    coalesce(w.weight, 1) as weight
from scores.customer_scores as s
inner join churn_labels as l on s.customer_key = l.customer_key
left join campaign_weights as w on s.customer_key = w.customer_key
where
    s.as_of_date = cast(:as_of as date)
    and s.run_id = :run_id
    and coalesce(w.weight, 1) > 0
