-- name: at_risk_list
-- writes: none
-- grain: problem
-- reads: scores.at_risk_list, scores.customer_scores, staging.customer_keys, staging.customers, staging.support_tickets, ops.published, scores.campaign_lists, ops.campaign_contacts, ops.campaign_members
-- params: as_of, run_id, cooldown_days, horizon_days
-- window: lists of [as_of - cooldown_days, as_of), contacts of [as_of - cooldown_days, as_of], entries of [as_of - horizon_days, as_of]
-- severity: fail
-- Everyone on a new list is scored, contactable and there once; ranks run from 1 without a gap. Nobody has a severe
-- ticket open, was on another list (rehearsals apart) or contacted within the cooldown, or is new in another campaign; who is in the list's
-- campaign already is on the side where they were.
with list_rows as (
    select
        a.customer_key,
        a.priority_rank,
        a.campaign,
        a.campaign_group
    from scores.at_risk_list as a
    where a.as_of_date = cast(:as_of as date) and a.run_id = :run_id
)

select 'customer_key ' || l.customer_key || ': on the list but not scored' as problem
from list_rows as l
where
    not exists (
        select 1
        from scores.customer_scores as s
        where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id and s.customer_key = l.customer_key
    )
union all
select 'customer_key ' || l.customer_key || ': on the list but not to be contacted' as problem
from list_rows as l
inner join staging.customer_keys as k on l.customer_key = k.customer_key
inner join staging.customers as c
    on k.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
where not c.contactable
union all
select 'priority_rank ' || max(l.priority_rank) || ' on a list of ' || count(*) as problem
from list_rows as l
having max(l.priority_rank) <> count(*) or count(distinct l.priority_rank) <> count(*)
union all
select 'customer_key ' || l.customer_key || ': on the list with a severe ticket open' as problem
from list_rows as l
where
    exists (
        select 1
        from staging.support_tickets as t
        where
            t.customer_key = l.customer_key
            and t.valid_to = timestamp '9999-12-31'
            and t.is_severe
            and t.opened_date < cast(:as_of as date)
            and coalesce(t.closed_date >= cast(:as_of as date), true)
    )
union all
select 'customer_key ' || l.customer_key || ': on the list of ' || p.as_of_date || ' too' as problem
from list_rows as l
inner join scores.at_risk_list as a on l.customer_key = a.customer_key
inner join ops.published as p on a.as_of_date = p.as_of_date and a.run_id = p.list_run_id
where
    a.as_of_date >= cast(:as_of as date) - cast(:cooldown_days as integer)
    and a.as_of_date < cast(:as_of as date)
    and not exists (
        select 1
        from scores.campaign_lists as g
        where g.as_of_date = p.as_of_date and g.run_id = p.list_run_id and g.is_rehearsal
    )
union all
select 'customer_key ' || l.customer_key || ': on the list, but contacted on ' || c.sent_date as problem
from list_rows as l
inner join ops.campaign_contacts as c on l.customer_key = c.customer_key
where
    c.sent_date >= cast(:as_of as date) - cast(:cooldown_days as integer)
    and c.sent_date <= cast(:as_of as date)
union all
select 'customer_key ' || l.customer_key || ': on the list, but new in campaign ' || m.campaign as problem
from list_rows as l
inner join ops.campaign_members as m on l.customer_key = m.customer_key and l.campaign <> m.campaign
where
    m.as_of_date >= cast(:as_of as date) - cast(:horizon_days as integer)
    and m.as_of_date <= cast(:as_of as date)
    and (m.as_of_date < cast(:as_of as date) or m.list_run_id is null)
union all
select 'customer_key ' || l.customer_key || ': ' || l.campaign_group || ', was ' || m.campaign_group as problem
from list_rows as l
inner join ops.campaign_members as m
    on l.customer_key = m.customer_key and l.campaign = m.campaign and l.campaign_group <> m.campaign_group
