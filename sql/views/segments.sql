-- name: segments
-- writes: view bi.segments
-- grain: segment of the latest published night
-- reads: ops.published, scores.segment_nights
-- params: none
-- window: none
-- comment: The segments of the latest published night: who they are, how many, what they are worth, how likely they are to leave and how many of them left.
-- example: select segment, customers, avg_clv, realised_churn_rate from bi.segments order by realised_churn_rate desc nulls last
-- column.as_of_date: Business date of the night.
-- column.segment: Name of the segment.
-- column.description: What sets the segment apart, in words, with the facts behind it.
-- column.customers: Customers in the segment that night.
-- column.share: Their share of all scored customers, 0 to 1.
-- column.mrr: Their monthly recurring revenue; null for businesses without subscriptions.
-- column.avg_clv: Their average customer lifetime value.
-- column.avg_churn_probability: Their average churn probability; null while no model has been trained.
-- column.realised_churn_rate: Of the customers who were in this segment on realised_as_of_date, the share that churned within the horizon; null where none is known yet.
-- column.realised_as_of_date: The latest date whose churn is known for certain by as_of_date.
-- column.run_id: Run that wrote the row; see bi.job_runs.
with latest_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

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
    n.realised_as_of_date,
    n.run_id
from latest_nights as l
inner join scores.segment_nights as n
    on l.as_of_date = n.as_of_date and l.run_id = n.run_id
where n.as_of_date = (select max(p.as_of_date) from ops.published as p)
