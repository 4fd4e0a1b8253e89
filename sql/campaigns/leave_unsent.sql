-- name: leave_unsent
-- writes: ops.campaign_members, ops.campaign_outcomes
-- grain: member who entered with a list of a night before retention.live_from
-- reads: ops.campaign_members, ops.campaign_contacts
-- params: live_from
-- window: none
--
-- Lists before retention.live_from were not sent, whenever that was said: who entered a campaign with one leaves, on
-- either side, unless a contact is recorded after all. Campaigns that were recorded from outside have no list.
with members_gone as (
    delete from ops.campaign_members
    where
        campaign_members.as_of_date < cast(:live_from as date)
        and campaign_members.list_run_id is not null
        and not exists (
            select 1
            from ops.campaign_contacts as c
            where
                c.campaign = campaign_members.campaign
                and c.customer_key = campaign_members.customer_key
        )
    returning campaign_members.campaign, campaign_members.customer_key
)

delete from ops.campaign_outcomes
using members_gone as g
where campaign_outcomes.campaign = g.campaign and campaign_outcomes.customer_key = g.customer_key
