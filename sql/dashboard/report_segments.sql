-- name: report_segments
-- writes: none
-- grain: segment of one published night
-- reads: bi.customer_scores_history
-- params: as_of
-- window: none
select
    h.segment,
    count(*) as customers,
    cast(count(*) as double precision) / sum(count(*)) over () as share,
    sum(h.mrr) as mrr,
    avg(h.clv) as avg_clv,
    avg(h.churn_probability) as avg_churn_probability,
    sum(h.value_at_risk) as value_at_risk,
    bool_or(h.in_sample) as in_sample
from bi.customer_scores_history as h
where h.as_of_date = cast(:as_of as date)
group by h.segment
order by customers desc, h.segment asc
