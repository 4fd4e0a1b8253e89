-- name: campaign_weights
-- writes: none
-- grain: customer of a campaign that was listed, entered or contacted within horizon_days of as_of
-- reads: ops.published, ops.past_nights, scores.at_risk_list, scores.campaign_lists, ops.campaign_members, ops.campaign_contacts
-- params: as_of, horizon_days
-- window: lists, entries and contacts of (as_of - horizon_days, as_of + horizon_days)
--
-- A list of a night changes what happens in the horizon after it, so it touches the label window of as_of where the
-- two nights are less than a horizon apart; a rehearsal (a list frozen when a later night was out already) reached
-- nobody and changes nothing. So does the day on which a customer entered a campaign, by a list or drawn elsewhere, and
-- the day of any recorded contact. Who was to be contacted (treatment) in any campaign, or was, weighs 0;
-- who was held out of all of theirs stands for everyone like them: 1 / share held out, multiplied over the campaigns,
-- whose draws are independent. has_holdout is false where one of the customer's campaigns held nobody out.
with shown_lists as (
    select
        o.as_of_date,
        o.list_run_id
    from ops.published as o
    union all
    select
        h.as_of_date,
        h.list_run_id
    from ops.past_nights as h
    where
        not exists (
            select 1
            from ops.published as q
            where q.as_of_date = h.as_of_date
        )
),

touched_customers as (
    select
        a.customer_key,
        a.campaign,
        a.campaign_group <> 'holdout' as is_treated
    from shown_lists as p
    inner join scores.at_risk_list as a
        on p.as_of_date = a.as_of_date and p.list_run_id = a.run_id
    where
        p.as_of_date > cast(:as_of as date) - cast(:horizon_days as integer)
        and p.as_of_date < cast(:as_of as date) + cast(:horizon_days as integer)
        and not exists (
            select 1
            from scores.campaign_lists as l
            where l.as_of_date = p.as_of_date and l.run_id = p.list_run_id and l.is_rehearsal
        )
    union all
    select
        m.customer_key,
        m.campaign,
        m.campaign_group <> 'holdout' as is_treated
    from ops.campaign_members as m
    where
        m.as_of_date > cast(:as_of as date) - cast(:horizon_days as integer)
        and m.as_of_date < cast(:as_of as date) + cast(:horizon_days as integer)
    union all
    select
        o.customer_key,
        o.campaign,
        true as is_treated
    from ops.campaign_contacts as o
    where
        o.sent_date > cast(:as_of as date) - cast(:horizon_days as integer)
        and o.sent_date < cast(:as_of as date) + cast(:horizon_days as integer)
),

listed_customers as (
    select
        t.customer_key,
        t.campaign,
        bool_or(t.is_treated) as is_treated
    from touched_customers as t
    group by t.customer_key, t.campaign
),

campaigns as (
    select
        c.campaign,
        cast(count(*) as double precision) / nullif(count(*) filter (where not c.is_treated), 0) as held_out_weight
    from listed_customers as c
    group by c.campaign
)

select
    c.customer_key,
    case
        when bool_or(c.is_treated) then 0
        else exp(sum(ln(g.held_out_weight)))
    end as weight,
    bool_and(g.held_out_weight is not null) as has_holdout
from listed_customers as c
inner join campaigns as g on c.campaign = g.campaign
group by c.customer_key
