-- name: campaign_balance
-- writes: none
-- grain: problem
-- reads: scores.campaign_lists
-- params: as_of, run_id
-- window: none
-- severity: warn
-- The holdout of the list's campaign is a fair draw by segment and risk band: what is found happens by chance to less
-- than one campaign in a thousand a night.
select
    'campaign ' || c.campaign || ': the holdout is unevenly drawn (p ' || c.smallest_balance_p
    || '); see bi.campaign_balance' as problem
from scores.campaign_lists as c
where c.as_of_date = cast(:as_of as date) and c.run_id = :run_id and c.smallest_balance_p < 0.001
