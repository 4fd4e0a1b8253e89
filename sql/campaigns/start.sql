-- name: start
-- writes: ops.campaigns
-- grain: campaign of the list
-- reads: scores.at_risk_list
-- params: as_of, list_run_id, seed, holdout_share, at
-- window: none
--
-- A campaign begins with its first published list, and keeps the seed and holdout share of then.
insert into ops.campaigns (campaign, kind, seed, holdout_share, started_as_of_date, created_at, run_id)
select distinct
    a.campaign,
    'list' as kind,
    cast(:seed as bigint) as seed,
    cast(:holdout_share as double precision) as holdout_share,
    a.as_of_date as started_as_of_date,
    cast(:at as timestamptz) as created_at,
    a.run_id
from scores.at_risk_list as a
where a.as_of_date = cast(:as_of as date) and a.run_id = :list_run_id
on conflict (campaign) do nothing
