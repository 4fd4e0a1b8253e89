-- name: save_rate_counts
-- writes: none
-- grain: offer × campaign × segment at entry
-- reads: ops.campaign_members, ops.campaign_outcomes
-- params: as_of
-- window: outcomes that had matured by as_of
--
-- Who was measured, by assignment, and who left of them. The holdout of an offer are those whom it would have been made
-- to; in a campaign that was drawn elsewhere the holdout has no offer and stands against each of them.
with measured_members as (
    select
        m.campaign,
        m.offer,
        coalesce(m.segment, '') as segment,
        m.campaign_group,
        o.churned
    from ops.campaign_members as m
    inner join ops.campaign_outcomes as o on m.campaign = o.campaign and m.customer_key = o.customer_key
    where o.matured_date <= cast(:as_of as date) and o.churned is not null
),

campaign_offers as (
    select distinct
        m.campaign,
        m.offer
    from measured_members as m
    where m.offer is not null
),

arm_members as (
    select
        f.campaign,
        f.offer,
        m.segment,
        m.campaign_group,
        m.churned
    from campaign_offers as f
    inner join measured_members as m
        on
            f.campaign = m.campaign
            and (f.offer = m.offer or (m.offer is null and m.campaign_group = 'holdout'))
)

select
    a.offer,
    a.campaign,
    a.segment,
    count(*) filter (where a.campaign_group = 'treatment') as treatment,
    count(*) filter (where a.campaign_group = 'treatment' and a.churned) as treatment_churned,
    count(*) filter (where a.campaign_group = 'holdout') as holdout,
    count(*) filter (where a.campaign_group = 'holdout' and a.churned) as holdout_churned
from arm_members as a
group by a.offer, a.campaign, a.segment
order by a.offer asc, a.campaign asc, a.segment asc
