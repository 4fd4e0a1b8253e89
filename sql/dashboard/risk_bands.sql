-- name: risk_bands
-- writes: none
-- grain: risk band of the latest published night
-- reads: bi.customer_scores
-- params: none
-- window: none
select
    s.risk_band,
    count(*) as customers,
    avg(s.churn_probability) as avg_churn_probability,
    sum(s.mrr) as mrr,
    sum(s.value_at_risk) as value_at_risk
from bi.customer_scores as s
group by s.risk_band
order by array_position(array['high', 'medium', 'low'], s.risk_band)
