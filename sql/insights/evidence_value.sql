-- name: evidence_value
-- writes: none
-- grain: one row
-- reads: bi.customer_scores
-- params: as_of
-- window: none
select
    count(*) as customers,
    count(*) filter (where s.risk_band = 'high') as at_risk,
    count(*) filter (where s.value_tier = 'high') as valuable,
    count(*) filter (where s.value_tier = 'high' and s.risk_band = 'high') as valuable_at_risk,
    sum(s.value_at_risk) as value_at_risk,
    sum(s.value_at_risk) filter (where s.value_tier = 'high' and s.risk_band = 'high') as value_at_risk_of_these,
    sum(s.mrr) filter (where s.value_tier = 'high' and s.risk_band = 'high') as mrr_of_these
from bi.customer_scores as s
where s.as_of_date = cast(:as_of as date)
