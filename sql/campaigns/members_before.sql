-- name: members_before
-- writes: none
-- grain: segment × risk band × group of the campaign
-- reads: ops.campaign_members
-- params: as_of, campaign, is_rehearsal
-- window: entries before as_of; with a rehearsal those of as_of too, since nobody leaves with it
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
where
    m.campaign = :campaign
    and (
        m.as_of_date < cast(:as_of as date)
        or (cast(:is_rehearsal as boolean) and m.as_of_date = cast(:as_of as date))
    )
group by m.segment, m.risk_band, m.campaign_group
order by m.segment asc, m.risk_band asc, m.campaign_group asc
