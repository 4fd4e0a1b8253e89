-- name: recording_counts
-- writes: none
-- grain: one row
-- reads: checked_rows
-- params: none
-- window: none
select
    count(*) filter (where c.is_new) as rows_used,
    count(*) filter (where not c.is_new) as rows_known,
    count(distinct c.customer_key) filter (where c.campaign_group = 'holdout' and c.sent_date is not null)
        as contacted_holdout,
    count(*) filter (where c.campaign_group = 'holdout') as holdout_rows,
    min(c.entered_date) as first_entered_date
from checked_rows as c
where c.reason is null
