-- name: evidence_campaign
-- writes: none
-- grain: one row
-- reads: bi.campaign_results
-- params: campaign, arm
-- window: none
select
    r.measured_treatment,
    r.measured_holdout,
    r.retained_rate_treatment,
    r.retained_rate_holdout,
    r.incremental_retention,
    r.incremental_retention_low,
    r.incremental_retention_high,
    r.incremental_revenue,
    r.incremental_revenue_low,
    r.incremental_revenue_high,
    r.cost,
    r.roi,
    r.detectable_effect
from bi.campaign_results as r
where r.campaign = :campaign and r.arm = :arm
