-- name: nameless
-- writes: ops.campaign_members, ops.campaign_contacts, ops.campaign_outcomes
-- grain: campaign that the customer is in
-- reads: ops.campaign_members
-- params: customer_key
-- window: none
--
-- A campaign is judged by whom it was drawn for: if those who ask to be forgotten left it, and they are not the same on
-- both sides, it would be judged wrong, and results that are out would change. So what a campaign counts of the customer
-- stays, in a row of nobody: its key is drawn at random, below zero, another one in each campaign, and what the results
-- don't need is dropped. The list stays: who entered with one leaves with it (campaigns/leave.sql), and so must nobody.
with strangers as (
    select
        m.campaign,
        -1 - cast(floor(random() * 9e15) as bigint) as stranger_key
    from ops.campaign_members as m
    where m.customer_key = :customer_key
),

contacts as (
    update ops.campaign_contacts
    set customer_key = s.stranger_key, channel = null
    from strangers as s
    where campaign_contacts.campaign = s.campaign and campaign_contacts.customer_key = :customer_key
),

outcomes as (
    update ops.campaign_outcomes
    set customer_key = s.stranger_key
    from strangers as s
    where campaign_outcomes.campaign = s.campaign and campaign_outcomes.customer_key = :customer_key
)

update ops.campaign_members
set
    customer_key = s.stranger_key,
    mrr = null,
    expected_net_value = null,
    save_rate = null,
    recording_id = null
from strangers as s
where campaign_members.campaign = s.campaign and campaign_members.customer_key = :customer_key
