-- name: record_contacts
-- writes: ops.campaign_contacts
-- grain: contact: customer × day × offer
-- reads: checked_rows
-- params: campaign, recording_id
-- window: none
--
-- What is known already adds nothing.
insert into ops.campaign_contacts (
    campaign, customer_key, sent_date, offer, channel, cost, recording_id
)
select
    :campaign as campaign,
    c.customer_key,
    c.sent_date,
    c.offer,
    c.channel,
    c.cost,
    :recording_id as recording_id
from checked_rows as c
where c.reason is null and c.sent_date is not null
on conflict (campaign, customer_key, sent_date, offer) do nothing
