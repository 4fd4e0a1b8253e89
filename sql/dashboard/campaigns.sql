-- name: campaigns
-- writes: none
-- grain: campaign
-- reads: bi.campaign_results
-- params: none
-- window: none
select
    r.campaign,
    r.first_as_of_date,
    r.last_as_of_date,
    r.assigned_treatment,
    r.assigned_holdout,
    r.measured_treatment,
    r.measured_holdout,
    r.incremental_retention,
    r.incremental_retention_low,
    r.incremental_retention_high,
    r.incremental_revenue,
    r.cost,
    r.roi,
    r.verdict
from bi.campaign_results as r
where r.arm = 'all'
order by r.last_as_of_date desc, r.campaign asc
