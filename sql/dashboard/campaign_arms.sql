-- name: campaign_arms
-- writes: none
-- grain: arm of one campaign, the whole campaign first
-- reads: bi.campaign_results
-- params: campaign
-- window: none
--
-- Without a name the campaign that customers entered last.
with chosen_campaigns as (
    select r.campaign
    from bi.campaign_results as r
    where
        r.arm = 'all'
        and (cast(:campaign as text) is null or r.campaign = cast(:campaign as text))
    order by r.last_as_of_date desc, r.campaign asc
    limit 1
)

select
    r.campaign,
    r.arm,
    r.assigned_treatment,
    r.contacted_treatment,
    r.measured_treatment,
    r.retained_rate_treatment,
    r.assigned_holdout,
    r.contacted_holdout,
    r.measured_holdout,
    r.retained_rate_holdout,
    r.not_measured,
    r.incremental_retention,
    r.incremental_retention_low,
    r.incremental_retention_high,
    r.detectable_effect,
    r.incremental_revenue,
    r.incremental_revenue_low,
    r.incremental_revenue_high,
    r.cost,
    r.cost_basis,
    r.roi,
    r.roi_low,
    r.roi_high,
    r.incremental_value,
    r.incremental_value_low,
    r.incremental_value_high,
    r.first_as_of_date,
    r.last_as_of_date,
    r.as_of_date,
    r.verdict
from chosen_campaigns as c
inner join bi.campaign_results as r on c.campaign = r.campaign
order by case when r.arm = 'all' then 0 else 1 end, r.arm
