-- name: members_before
-- writes: none
-- grain: segment × risk band × group of the campaign
-- reads: ops.campaign_members, ops.campaign_contacts, list_members
-- params: as_of, campaign
-- window: entries before as_of, and those of as_of that a new list can't take back
--
-- Who is in the campaign whatever tonight's list is, by what they were when they entered.
select
    m.segment,
    m.risk_band,
    m.campaign_group,
    count(*) as members,
    coalesce(cast(sum(cast(m.churn_probability as numeric)) as double precision), 0) as expected_churned,
    count(m.churn_probability) as predicted
from ops.campaign_members as m
left join list_members as l on m.customer_key = l.customer_key
where
    m.campaign = :campaign
    and (
        m.as_of_date < cast(:as_of as date)
        or (
            m.as_of_date = cast(:as_of as date)
            and l.customer_key is null
            and exists (
                select 1
                from ops.campaign_contacts as c
                where c.campaign = m.campaign and c.customer_key = m.customer_key
            )
        )
    )
group by m.segment, m.risk_band, m.campaign_group
order by m.segment asc, m.risk_band asc, m.campaign_group asc
