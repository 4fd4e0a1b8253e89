-- name: evidence_campaign
-- writes: none
-- grain: one row
-- reads: bi.campaign_results
-- params: campaign, arm, wait_days
-- window: none
select
    r.assigned_treatment,
    r.assigned_holdout,
    r.measured_treatment,
    r.measured_holdout,
    r.first_as_of_date,
    r.first_as_of_date + cast(:wait_days as integer) as first_known_date,
    r.retained_rate_treatment,
    r.retained_rate_holdout,
    r.incremental_retention,
    r.incremental_retention_low,
    r.incremental_retention_high,
    r.incremental_revenue,
    r.incremental_revenue_low,
    r.incremental_revenue_high,
    r.incremental_value,
    r.incremental_value_low,
    r.incremental_value_high,
    r.cost_measured,
    r.roi,
    r.detectable_effect
from bi.campaign_results as r
where r.campaign = :campaign and r.arm = :arm
