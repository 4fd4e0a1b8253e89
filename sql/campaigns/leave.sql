-- name: leave
-- writes: ops.campaign_members, ops.campaign_outcomes
-- grain: member who entered with a list of the night that is no longer shown
-- reads: ops.campaign_members
-- params: as_of, list_run_id
-- window: none
--
-- Where a list is replaced (--replace-list), who entered with it leaves, on either side; the new list takes back those
-- whom it names too, and what had become of them is measured again. A list that was sent is not replaced, and one that a
-- later night followed is replaced by a rehearsal, with which nobody leaves: so nobody here was contacted or listed again.
with members_gone as (
    delete from ops.campaign_members
    where
        campaign_members.as_of_date = cast(:as_of as date)
        and campaign_members.list_run_id <> :list_run_id
    returning campaign_members.campaign, campaign_members.customer_key
)

delete from ops.campaign_outcomes
using members_gone as g
where campaign_outcomes.campaign = g.campaign and campaign_outcomes.customer_key = g.customer_key
