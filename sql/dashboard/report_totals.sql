-- name: report_totals
-- writes: none
-- grain: risk band of one published night
-- reads: bi.customer_scores_history
-- params: as_of
-- window: none
select
    h.risk_band,
    count(*) as customers,
    avg(h.churn_probability) as avg_churn_probability,
    sum(h.mrr) as mrr,
    sum(h.clv) as clv,
    sum(h.value_at_risk) as value_at_risk,
    bool_or(h.in_sample) as in_sample
from bi.customer_scores_history as h
where h.as_of_date = cast(:as_of as date)
group by h.risk_band
order by case h.risk_band when 'high' then 0 when 'medium' then 1 else 2 end
