-- name: campaign_arms
-- writes: none
-- grain: campaign × arm whose outcome is known for both sides
-- reads: bi.campaign_results
-- params: none
-- window: none
select
    r.campaign,
    r.arm,
    r.incremental_retention,
    r.incremental_retention_low,
    r.incremental_retention_high
from bi.campaign_results as r
where
    r.incremental_retention is not null
    and r.incremental_retention_low is not null
    and r.incremental_retention_high is not null
order by r.campaign asc, r.arm asc
