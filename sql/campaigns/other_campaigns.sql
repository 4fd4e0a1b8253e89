-- name: other_campaigns
-- writes: none
-- grain: campaign that rows of the sheet name and that is not the one meant
-- reads: recording_rows
-- params: campaign
-- window: none
select
    r.campaign,
    count(*) as named,
    min(r.line) as first_line
from recording_rows as r
where r.campaign <> :campaign
group by r.campaign
order by named desc, r.campaign asc
