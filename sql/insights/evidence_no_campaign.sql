-- name: evidence_no_campaign
-- writes: none
-- grain: one row
-- reads: bi.campaign_results
-- params: none
-- window: none
select
    count(distinct r.campaign) as campaigns,
    count(distinct r.campaign) filter (where r.incremental_retention is not null) as measured_campaigns
from bi.campaign_results as r
