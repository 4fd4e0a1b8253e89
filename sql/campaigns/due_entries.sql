-- name: due_entries
-- writes: none
-- grain: date on which customers entered a campaign, whose outcome is known and was not measured yet
-- reads: ops.campaign_members, ops.campaign_outcomes
-- params: matured_until
-- window: entries up to and with matured_until
select distinct m.as_of_date
from ops.campaign_members as m
where
    m.as_of_date <= cast(:matured_until as date)
    and not exists (
        select 1
        from ops.campaign_outcomes as o
        where o.campaign = m.campaign and o.customer_key = m.customer_key
    )
order by m.as_of_date asc
