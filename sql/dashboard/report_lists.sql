-- name: report_lists
-- writes: none
-- grain: list of one published night
-- reads: bi.campaign_lists
-- params: as_of
-- window: none
select
    l.campaign,
    l.listed,
    l.treatment,
    l.holdout,
    l.planned_cost,
    l.expected_net_value,
    l.is_rehearsal,
    l.statement
from bi.campaign_lists as l
where l.as_of_date = cast(:as_of as date)
order by l.campaign
