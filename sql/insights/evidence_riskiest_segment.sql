-- name: evidence_riskiest_segment
-- writes: none
-- grain: one row
-- reads: bi.segments
-- params: as_of
-- window: none
select
    s.segment,
    s.customers,
    s.mrr,
    s.avg_churn_probability,
    s.realised_churn_rate,
    s.realised_as_of_date,
    (
        select count(*)
        from bi.segments as a
        where a.customers > 0 and a.as_of_date = cast(:as_of as date)
    ) as segments
from bi.segments as s
where s.customers > 0 and s.as_of_date = cast(:as_of as date)
order by s.avg_churn_probability desc nulls last, s.realised_churn_rate desc nulls last, s.customers desc, s.segment asc
limit 1
