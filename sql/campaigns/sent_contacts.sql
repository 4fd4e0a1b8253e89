-- name: sent_contacts
-- writes: none
-- grain: one row
-- reads: ops.published, scores.at_risk_list, ops.campaign_members, ops.campaign_contacts
-- params: as_of
-- window: contacts of as_of and later
--
-- What was sent by the list that the night shows: contacts of whoever is on it, or entered their campaign with it.
with list_people as (
    select
        a.campaign,
        a.customer_key
    from ops.published as p
    inner join scores.at_risk_list as a on p.as_of_date = a.as_of_date and p.list_run_id = a.run_id
    where p.as_of_date = cast(:as_of as date) and a.as_of_date = cast(:as_of as date)
    union
    select
        m.campaign,
        m.customer_key
    from ops.campaign_members as m
    where m.as_of_date = cast(:as_of as date) and m.list_run_id is not null
)

select count(*) as contacts
from list_people as l
inner join ops.campaign_contacts as c on l.campaign = c.campaign and l.customer_key = c.customer_key
where c.sent_date >= cast(:as_of as date)
