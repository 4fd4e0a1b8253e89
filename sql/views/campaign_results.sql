-- name: campaign_results
-- writes: view bi.campaign_results
-- grain: campaign × arm
-- reads: ops.campaign_results
-- params: none
-- window: none
-- comment: What each campaign did, by assignment (intention to treat): everybody who was to be contacted against everybody who was held out, whoever was reached. The interval says what chance allows; where it spans 0, no effect is shown yet.
-- example: select campaign, arm, incremental_retention, incremental_retention_low, incremental_retention_high, roi, verdict from bi.campaign_results order by campaign, arm
-- column.campaign: Name of the campaign.
-- column.arm: all = the whole campaign; else the offer made. A holdout customer belongs to the arm of the offer they would have got; in a campaign that was drawn elsewhere the holdout is that of every arm.
-- column.assigned_treatment: Customers who were to be contacted.
-- column.assigned_holdout: Customers who were to be left alone.
-- column.contacted_treatment: Customers of the treatment group with a recorded contact.
-- column.contacted_holdout: Customers held out who were contacted all the same; they still count as held out.
-- column.retained_rate_treatment: Share of the measured treatment group that had not churned a horizon after entry.
-- column.retained_rate_holdout: The same of the holdout: what would have happened anyway.
-- column.incremental_retention: Share of the treatment group that stayed because of the campaign: treatment less holdout, averaged over strata of segment and risk band at entry.
-- column.incremental_retention_low: Lower end of its 95 % interval (Newcombe, MOVER over the strata).
-- column.incremental_retention_high: Upper end.
-- column.incremental_revenue: Revenue within the horizon that the measured treatment group brought because of the campaign.
-- column.incremental_revenue_low: Lower end of its 95 % interval (Welch).
-- column.incremental_revenue_high: Upper end.
-- column.cost: What the treatment group cost to date; null where nobody knows.
-- column.roi: (gross margin × incremental_revenue − cost_measured) / cost_measured: the return within the horizon. What the customers kept bring later is not in it; see incremental_value.
-- column.roi_low: The same at the lower end of the revenue's interval.
-- column.roi_high: The same at its upper end.
-- column.verdict: What the figures show, in words.
-- column.measured_treatment: Treatment customers whose horizon has passed.
-- column.measured_holdout: Holdout customers whose horizon has passed.
-- column.not_measured: Members who were no customers on the day they entered, so that there is no outcome to measure.
-- column.save_rate: Share of those about to leave whom the campaign kept: 1 − churn rate of treatment / of holdout.
-- column.save_rate_low: Lower end of its 95 % interval.
-- column.save_rate_high: Upper end.
-- column.active_rate_treatment: Share of the measured treatment group with any usage within the horizon; null without usage data.
-- column.active_rate_holdout: The same of the holdout.
-- column.incremental_active_rate: Treatment less holdout, over strata.
-- column.incremental_active_rate_low: Lower end of its 95 % interval.
-- column.incremental_active_rate_high: Upper end.
-- column.revenue_per_treatment: Revenue within the horizon per measured treatment customer.
-- column.revenue_per_holdout: The same of the holdout.
-- column.incremental_revenue_each: Treatment less holdout per customer, over strata.
-- column.incremental_revenue_each_low: Lower end of its 95 % interval (Welch).
-- column.incremental_revenue_each_high: Upper end.
-- column.incremental_value: What the customers kept are worth: incremental_retention × measured_treatment × the average value at stake at entry × retention.saved_value_share.
-- column.incremental_value_low: The same at the lower end of the retention's interval.
-- column.incremental_value_high: The same at its upper end.
-- column.cost_measured: The part of cost that was spent on those measured, within the horizon after each entered; null where nobody knows.
-- column.cost_basis: Where the cost comes from: as recorded, or as planned.
-- column.detectable_effect: Smallest incremental_retention that the members to date show four times in five; null where not even keeping everyone would be seen.
-- column.first_as_of_date: Day on which the first member entered.
-- column.last_as_of_date: Day on which the last one did.
-- column.as_of_date: Outcomes that had matured by then count.
-- column.run_id: Run that did; see bi.job_runs.
-- type.campaign: text
-- type.arm: text
-- type.assigned_treatment: bigint
-- type.assigned_holdout: bigint
-- type.contacted_treatment: bigint
-- type.contacted_holdout: bigint
-- type.retained_rate_treatment: double precision
-- type.retained_rate_holdout: double precision
-- type.incremental_retention: double precision
-- type.incremental_retention_low: double precision
-- type.incremental_retention_high: double precision
-- type.incremental_revenue: numeric
-- type.incremental_revenue_low: numeric
-- type.incremental_revenue_high: numeric
-- type.cost: numeric
-- type.roi: double precision
-- type.roi_low: double precision
-- type.roi_high: double precision
-- type.verdict: text
-- type.measured_treatment: bigint
-- type.measured_holdout: bigint
-- type.not_measured: bigint
-- type.save_rate: double precision
-- type.save_rate_low: double precision
-- type.save_rate_high: double precision
-- type.active_rate_treatment: double precision
-- type.active_rate_holdout: double precision
-- type.incremental_active_rate: double precision
-- type.incremental_active_rate_low: double precision
-- type.incremental_active_rate_high: double precision
-- type.revenue_per_treatment: numeric
-- type.revenue_per_holdout: numeric
-- type.incremental_revenue_each: numeric
-- type.incremental_revenue_each_low: numeric
-- type.incremental_revenue_each_high: numeric
-- type.incremental_value: numeric
-- type.incremental_value_low: numeric
-- type.incremental_value_high: numeric
-- type.cost_measured: numeric
-- type.cost_basis: text
-- type.detectable_effect: double precision
-- type.first_as_of_date: date
-- type.last_as_of_date: date
-- type.as_of_date: date
-- type.run_id: bigint
select
    r.campaign,
    r.arm,
    r.assigned_treatment,
    r.assigned_holdout,
    r.contacted_treatment,
    r.contacted_holdout,
    r.retained_rate_treatment,
    r.retained_rate_holdout,
    r.incremental_retention,
    r.incremental_retention_low,
    r.incremental_retention_high,
    r.incremental_revenue,
    r.incremental_revenue_low,
    r.incremental_revenue_high,
    r.cost,
    r.roi,
    r.roi_low,
    r.roi_high,
    r.verdict,
    r.measured_treatment,
    r.measured_holdout,
    r.not_measured,
    r.save_rate,
    r.save_rate_low,
    r.save_rate_high,
    r.active_rate_treatment,
    r.active_rate_holdout,
    r.incremental_active_rate,
    r.incremental_active_rate_low,
    r.incremental_active_rate_high,
    r.revenue_per_treatment,
    r.revenue_per_holdout,
    r.incremental_revenue_each,
    r.incremental_revenue_each_low,
    r.incremental_revenue_each_high,
    r.incremental_value,
    r.incremental_value_low,
    r.incremental_value_high,
    r.cost_measured,
    r.cost_basis,
    r.detectable_effect,
    r.first_as_of_date,
    r.last_as_of_date,
    r.as_of_date,
    r.run_id
from ops.campaign_results as r
