-- name: campaign_contacts
-- writes: none
-- grain: campaign
-- reads: ops.campaign_contacts, ops.campaign_members
-- params: as_of
-- window: contacts in the 31 days before as_of
-- severity: warn
-- Customers who were held out were contacted all the same: the campaign looks less useful than it is.
select
    c.campaign || ': ' || count(distinct c.customer_key) || ' customers held out were contacted between '
    || min(c.sent_date) || ' and ' || max(c.sent_date) as problem
from ops.campaign_contacts as c
inner join ops.campaign_members as m on c.campaign = m.campaign and c.customer_key = m.customer_key
where
    m.campaign_group = 'holdout'
    and c.sent_date >= cast(:as_of as date) - 31
    and c.sent_date < cast(:as_of as date)
group by c.campaign
