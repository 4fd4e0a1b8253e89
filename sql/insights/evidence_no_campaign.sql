-- name: evidence_no_campaign
-- writes: none
-- grain: one row
-- reads: bi.campaign_results
-- params: none
-- window: none
select count(distinct r.campaign) as campaigns
from bi.campaign_results as r
