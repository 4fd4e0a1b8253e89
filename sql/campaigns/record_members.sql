-- name: record_members
-- writes: ops.campaign_members
-- grain: customer who enters a campaign that was drawn elsewhere
-- reads: checked_rows, ops.campaign_members, ops.published, scores.customer_scores, scores.segment_nights
-- params: campaign, recording_id
-- window: the published night on or before the day of entry
--
-- Segment and risk are those of the latest night published on or before the entry, so that nothing which happened after
-- it decides them; null where no night is.
with entering_customers as (
    select distinct on (c.customer_key)
        c.customer_key,
        c.campaign_group,
        nullif(c.offer, '') as offer,
        c.entered_date
    from checked_rows as c
    where
        c.reason is null
        and not exists (
            select 1
            from ops.campaign_members as m
            where m.campaign = :campaign and m.customer_key = c.customer_key
        )
    order by c.customer_key asc, c.entered_date asc, c.line asc
),

entry_nights as (
    select
        e.entered_date,
        max(p.as_of_date) as as_of_date
    from (select distinct f.entered_date from entering_customers as f) as e
    inner join ops.published as p on e.entered_date >= p.as_of_date
    group by e.entered_date
)

insert into ops.campaign_members (
    campaign, customer_key, as_of_date, campaign_group, offer, segment, risk_band, churn_probability,
    clv_if_retained, value_at_risk, mrr, recording_id
)
select
    :campaign as campaign,
    e.customer_key,
    e.entered_date as as_of_date,
    e.campaign_group,
    e.offer,
    g.segment,
    s.risk_band,
    s.churn_probability,
    s.clv_if_retained,
    s.value_at_risk,
    s.mrr,
    :recording_id as recording_id
from entering_customers as e
left join entry_nights as n on e.entered_date = n.entered_date
left join ops.published as p on n.as_of_date = p.as_of_date
left join scores.customer_scores as s
    on p.as_of_date = s.as_of_date and p.run_id = s.run_id and e.customer_key = s.customer_key
left join scores.segment_nights as g
    on s.as_of_date = g.as_of_date and s.run_id = g.run_id and s.segment_id = g.segment_id
