-- name: segments
-- writes: view bi.segments
-- grain: segment of the latest published night
-- reads: ops.published, scores.segment_nights, scores.customer_scores
-- params: none
-- window: none
-- comment: The segments of the latest published night: who they are, how many, what they are worth, how likely they are to leave, how many of them left, and how all that has changed since about a month before.
-- example: select segment, customers, avg_clv, avg_churn_probability, avg_churn_probability_change, realised_churn_rate from bi.segments order by avg_churn_probability desc nulls last
-- column.as_of_date: Business date of the night.
-- column.segment: Name of the segment.
-- column.description: What sets the segment apart, in words, with the facts behind it.
-- column.customers: Customers in the segment that night.
-- column.share: Their share of all scored customers, 0 to 1.
-- column.mrr: Their monthly recurring revenue; null for businesses without subscriptions.
-- column.avg_clv: Their average customer lifetime value.
-- column.avg_churn_probability: Their average churn probability; null while no model has been trained.
-- column.realised_churn_rate: Of the customers of realised_as_of_date, put into today's segments by what was known of them then, the share of this segment that churned within the horizon; null where none is known yet.
-- column.realised_as_of_date: The latest date whose churn is known for certain by as_of_date.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- column.segment_id: The number that the segment keeps when the segments are fitted anew, even under another name; see bi.segment_events.
-- column.high_value_share: Share of its customers whose value tier is high, 0 to 1; null where no tier is known.
-- column.compared_date: The night that the columns from here on compare with: the last one published 28 to 45 days before as_of_date; null without any, or where it did not have the segment.
-- column.customers_before: Customers in the segment on compared_date.
-- column.customers_change: customers less customers_before.
-- column.mrr_before: Monthly recurring revenue of the segment on compared_date.
-- column.mrr_change: mrr less mrr_before.
-- column.avg_clv_before: Average customer lifetime value on compared_date.
-- column.avg_clv_change: avg_clv less avg_clv_before.
-- column.avg_churn_probability_before: Average churn probability on compared_date.
-- column.avg_churn_probability_change: avg_churn_probability less that; above 0 the segment has become more likely to leave.
-- column.realised_churn_rate_before: The realised churn rate that was known on compared_date.
-- column.realised_churn_rate_change: realised_churn_rate less that.
-- type.as_of_date: date
-- type.segment: text
-- type.description: text
-- type.customers: bigint
-- type.share: double precision
-- type.mrr: numeric
-- type.avg_clv: numeric
-- type.avg_churn_probability: double precision
-- type.realised_churn_rate: double precision
-- type.realised_as_of_date: date
-- type.run_id: bigint
-- type.segment_id: integer
-- type.high_value_share: double precision
-- type.compared_date: date
-- type.customers_before: bigint
-- type.customers_change: bigint
-- type.mrr_before: numeric
-- type.mrr_change: numeric
-- type.avg_clv_before: numeric
-- type.avg_clv_change: numeric
-- type.avg_churn_probability_before: double precision
-- type.avg_churn_probability_change: double precision
-- type.realised_churn_rate_before: double precision
-- type.realised_churn_rate_change: double precision
with latest_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
),

compared_nights as (
    select
        p.as_of_date,
        p.run_id
    from latest_nights as l
    inner join ops.published as p on p.as_of_date between l.as_of_date - 45 and l.as_of_date - 28
    order by p.as_of_date desc
    limit 1
),

segments_before as (
    select
        n.as_of_date,
        n.segment_id,
        n.customers,
        n.mrr,
        n.avg_clv,
        n.avg_churn_probability,
        n.realised_churn_rate
    from scores.segment_nights as n
    where
        n.as_of_date = (select c.as_of_date from compared_nights as c)
        and n.run_id = (select d.run_id from compared_nights as d)
),

segment_tiers as (
    select
        s.segment_id,
        cast(count(*) filter (where s.value_tier = 'high') as double precision)
        / nullif(count(s.value_tier), 0) as high_value_share
    from latest_nights as l
    inner join scores.customer_scores as s
        on l.as_of_date = s.as_of_date and l.run_id = s.run_id
    where s.as_of_date = (select max(p.as_of_date) from ops.published as p)
    group by s.segment_id
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
    n.run_id,
    n.segment_id,
    t.high_value_share,
    b.as_of_date as compared_date,
    b.customers as customers_before,
    n.customers - b.customers as customers_change,
    b.mrr as mrr_before,
    n.mrr - b.mrr as mrr_change,
    b.avg_clv as avg_clv_before,
    n.avg_clv - b.avg_clv as avg_clv_change,
    b.avg_churn_probability as avg_churn_probability_before,
    n.avg_churn_probability - b.avg_churn_probability as avg_churn_probability_change,
    b.realised_churn_rate as realised_churn_rate_before,
    n.realised_churn_rate - b.realised_churn_rate as realised_churn_rate_change
from latest_nights as l
inner join scores.segment_nights as n
    on l.as_of_date = n.as_of_date and l.run_id = n.run_id
left join segment_tiers as t on n.segment_id = t.segment_id
left join segments_before as b on n.segment_id = b.segment_id
where n.as_of_date = (select max(p.as_of_date) from ops.published as p)
