-- name: campaign_lists
-- writes: none
-- grain: campaign
-- reads: bi.campaign_lists
-- params: none
-- window: none
--
-- Lists that nobody could be contacted by (rehearsals) are counted, and left out of the sums.
with latest_lists as (
    select distinct on (l.campaign)
        l.campaign,
        l.members_to_date,
        l.statement
    from bi.campaign_lists as l
    order by l.campaign asc, l.as_of_date desc
)

select
    s.campaign,
    min(s.as_of_date) as first_as_of_date,
    max(s.as_of_date) as last_as_of_date,
    count(*) filter (where not s.is_rehearsal) as lists,
    count(*) filter (where s.is_rehearsal) as rehearsals,
    sum(s.entering) filter (where not s.is_rehearsal) as entered,
    sum(s.treatment) filter (where not s.is_rehearsal) as treatment,
    sum(s.holdout) filter (where not s.is_rehearsal) as holdout,
    sum(s.planned_cost) filter (where not s.is_rehearsal) as planned_cost,
    sum(s.expected_net_value) filter (where not s.is_rehearsal) as expected_net_value,
    t.members_to_date,
    t.statement
from bi.campaign_lists as s
inner join latest_lists as t on s.campaign = t.campaign
group by s.campaign, t.members_to_date, t.statement
order by last_as_of_date desc, s.campaign asc
