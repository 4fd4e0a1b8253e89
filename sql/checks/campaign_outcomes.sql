-- name: campaign_outcomes
-- writes: none
-- grain: problem
-- reads: ops.campaign_outcomes, ops.campaign_members
-- params: as_of, run_id
-- window: none
-- severity: fail
-- What this run has measured had matured by its night, and is of members who entered on that day.
select 'customer_key ' || o.customer_key || ', ' || o.campaign || ': measured before ' || o.matured_date as problem
from ops.campaign_outcomes as o
where o.run_id = :run_id and o.matured_date > cast(:as_of as date)
union all
select 'customer_key ' || o.customer_key || ', ' || o.campaign || ': measured but no member' as problem
from ops.campaign_outcomes as o
left join ops.campaign_members as m
    on o.campaign = m.campaign and o.customer_key = m.customer_key and o.as_of_date = m.as_of_date
where o.run_id = :run_id and m.customer_key is null
