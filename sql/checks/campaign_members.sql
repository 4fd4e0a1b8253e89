-- name: campaign_members
-- writes: none
-- grain: campaign
-- reads: ops.campaigns, ops.campaign_members, ops.campaign_results
-- params: none
-- window: none
-- severity: warn
-- Members and results are of campaigns that are there; no arm has more measured than it has members.
select m.campaign || ': ' || count(*) || ' members of a campaign that nobody knows' as problem
from ops.campaign_members as m
where not exists (select 1 from ops.campaigns as c where c.campaign = m.campaign)
group by m.campaign
union all
select
    r.campaign || ', ' || r.arm || ': ' || r.measured_treatment || ' of ' || r.assigned_treatment
    || ' members measured, held out ' || r.measured_holdout || ' of ' || r.assigned_holdout as problem
from ops.campaign_results as r
where
    r.measured_treatment not between 0 and r.assigned_treatment
    or r.measured_holdout not between 0 and r.assigned_holdout
    or r.retained_rate_treatment not between 0 and 1
    or r.retained_rate_holdout not between 0 and 1
    or not exists (select 1 from ops.campaigns as c where c.campaign = r.campaign)
