-- name: segments
-- writes: none
-- grain: segment of a published night
-- reads: ops.published, scores.segment_nights, scores.customer_scores
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
-- type.realised_as_of_date: date
-- type.segment_id: integer
-- type.high_value_share: double
-- type.compared_date: date
-- type.customers_before: integer
-- type.customers_change: integer
-- type.mrr_before: money
-- type.mrr_change: money
-- type.avg_clv_before: money
-- type.avg_clv_change: money
-- type.avg_churn_probability_before: double
-- type.avg_churn_probability_change: double
-- type.realised_churn_rate_before: double
-- type.realised_churn_rate_change: double
with compared_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    where p.as_of_date between cast(:as_of as date) - 45 and cast(:as_of as date) - 28
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
    from ops.published as p
    inner join scores.customer_scores as s
        on p.as_of_date = s.as_of_date and p.run_id = s.run_id
    where p.as_of_date = cast(:as_of as date) and s.as_of_date = cast(:as_of as date)
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
    n.run_id,
    n.realised_as_of_date,
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
from ops.published as p
inner join scores.segment_nights as n
    on p.as_of_date = n.as_of_date and p.run_id = n.run_id
left join segment_tiers as t on n.segment_id = t.segment_id
left join segments_before as b on n.segment_id = b.segment_id
where p.as_of_date = cast(:as_of as date) and n.as_of_date = cast(:as_of as date)
order by n.segment_id asc
