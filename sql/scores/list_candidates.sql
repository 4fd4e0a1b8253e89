-- name: list_candidates
-- writes: none
-- grain: customer × run
-- reads: scores.customer_scores, scores.segment_nights, staging.customer_keys, staging.customers, staging.support_tickets, ops.published, scores.at_risk_list, scores.campaign_lists, ops.campaign_contacts, ops.campaign_members
-- params: as_of, run_id, campaign, cooldown_days, horizon_days
-- window: lists of [as_of - cooldown_days, as_of), contacts of [as_of - cooldown_days, as_of], entries to other campaigns of [as_of - horizon_days, as_of]
--
-- Everybody scored, with what an offer may be limited by, and why they must be left alone, if so: the first of
--   not contactable      as known now, whatever the night: the customer said so, or is gone from the source;
--   open severe ticket   a severe ticket opened before as_of and not closed before it;
--   cooldown             on another night's published list, in either group, or recorded as contacted. A rehearsal
--                        (a list frozen when a later night was out already) reached nobody, and counts for nothing;
--   other campaign       entered another campaign less than a churn horizon ago, in either group. Entries of as_of
--                        itself count where the campaign was drawn elsewhere: those of a list of as_of go with it.
with resting_customers as (
    select a.customer_key
    from ops.published as p
    inner join scores.at_risk_list as a
        on p.as_of_date = a.as_of_date and p.list_run_id = a.run_id
    where
        p.as_of_date >= cast(:as_of as date) - cast(:cooldown_days as integer)
        and p.as_of_date < cast(:as_of as date)
        and a.as_of_date >= cast(:as_of as date) - cast(:cooldown_days as integer)
        and a.as_of_date < cast(:as_of as date)
        and not exists (
            select 1
            from scores.campaign_lists as l
            where l.as_of_date = p.as_of_date and l.run_id = p.list_run_id and l.is_rehearsal
        )
    union
    select c.customer_key
    from ops.campaign_contacts as c
    where
        c.sent_date >= cast(:as_of as date) - cast(:cooldown_days as integer)
        and c.sent_date <= cast(:as_of as date)
),

other_members as (
    select distinct m.customer_key
    from ops.campaign_members as m
    where
        m.campaign <> :campaign
        and m.as_of_date >= cast(:as_of as date) - cast(:horizon_days as integer)
        and m.as_of_date <= cast(:as_of as date)
        and (m.as_of_date < cast(:as_of as date) or m.list_run_id is null)
),

upset_customers as (
    select distinct t.customer_key
    from staging.support_tickets as t
    where
        t.valid_to = timestamp '9999-12-31'
        and t.is_severe
        and t.opened_date < cast(:as_of as date)
        and (t.closed_date is null or t.closed_date >= cast(:as_of as date))
)

select
    s.customer_key,
    k.customer_id,
    s.risk_score,
    s.churn_probability,
    s.value_at_risk,
    n.segment,
    s.value_tier,
    s.plan,
    s.lifecycle_stage,
    s.risk_band,
    case
        when c.customer_id is null or not coalesce(c.contactable, true) then 'not contactable'
        when u.customer_key is not null then 'open severe ticket'
        when r.customer_key is not null then 'cooldown'
        when o.customer_key is not null then 'other campaign'
    end as suppression
from scores.customer_scores as s
inner join staging.customer_keys as k on s.customer_key = k.customer_key
left join staging.customers as c
    on k.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
left join scores.segment_nights as n
    on s.as_of_date = n.as_of_date and s.run_id = n.run_id and s.segment_id = n.segment_id
left join upset_customers as u on s.customer_key = u.customer_key
left join resting_customers as r on s.customer_key = r.customer_key
left join other_members as o on s.customer_key = o.customer_key
where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
order by s.customer_key asc
