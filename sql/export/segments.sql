-- name: segments
-- writes: none
-- grain: segment of a published night
-- reads: ops.published, scores.segment_nights
-- params: as_of
-- window: none
-- type.as_of_date: date
-- type.segment: text
-- type.description: text
-- type.customers: integer
-- type.share: double
-- type.mrr: money
-- type.avg_clv: money
-- type.avg_churn_probability: double
-- type.realised_churn_rate: double
-- type.run_id: integer
select
    n.as_of_date,
    n.segment,
    n.description,
    n.customers,
    n.share,
    n.mrr,
    n.avg_clv,
    n.avg_churn_probability,
    n.realised_churn_rate,
    n.run_id
from ops.published as p
inner join scores.segment_nights as n
    on p.as_of_date = n.as_of_date and p.run_id = n.run_id
where p.as_of_date = cast(:as_of as date) and n.as_of_date = cast(:as_of as date)
order by n.segment_id asc
