-- name: campaign_arms
-- writes: none
-- grain: campaign that the night speaks of × arm
-- reads: bi.campaign_results
-- params: as_of
-- window: campaigns that somebody entered within 180 days up to as_of, and the latest three in any case
--
-- What older campaigns did is known and stays in bi.campaign_results; told and tested every night again it would drown,
-- and raise the bar for, what is new.
with campaigns as (
    select
        r.campaign,
        r.last_as_of_date,
        row_number() over (order by r.last_as_of_date desc, r.campaign asc) as place
    from bi.campaign_results as r
    where r.arm = 'all'
)

select
    r.campaign,
    r.arm,
    r.incremental_retention,
    r.incremental_retention_low,
    r.incremental_retention_high
from campaigns as c
inner join bi.campaign_results as r on c.campaign = r.campaign
where c.last_as_of_date >= cast(:as_of as date) - 180 or c.place <= 3
order by r.campaign asc, r.arm asc
