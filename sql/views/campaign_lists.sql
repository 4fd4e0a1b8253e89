-- name: campaign_lists
-- writes: view bi.campaign_lists
-- grain: published night × campaign of its list
-- reads: ops.published, scores.campaign_lists
-- params: none
-- window: none
-- comment: Every published night's list before it went out: how long, at what cost, what it was expected to earn, and the smallest effect that it, and its campaign so far, could show. What came of it is in bi.campaign_results.
-- example: select as_of_date, listed, holdout, planned_cost, expected_net_value, statement from bi.campaign_lists order by as_of_date desc limit 10
-- column.as_of_date: Business date of the list.
-- column.campaign: Campaign that the list belongs to.
-- column.listed: Customers on the list as it was frozen.
-- column.treatment: Those of them to contact.
-- column.holdout: Those of them held out, to measure against.
-- column.entering: Those of them who entered the campaign with this list.
-- column.members_to_date: Customers in the campaign once this list was out.
-- column.expected_churn_rate: Share of those listed expected to leave within the horizon if left alone; null without a model.
-- column.expected_save_rate: Share of those about to leave whom the offers are expected to keep.
-- column.detectable_effect: Smallest fall of the churn rate (0.02 = two percentage points) that this list alone shows four times in five; null where not even keeping everybody would be seen, or without a model.
-- column.detectable_save_rate: The same as a share of those about to leave.
-- column.detectable_effect_to_date: Smallest fall that the whole campaign so far shows four times in five; null as above.
-- column.planned_cost: What the offers would cost if nobody were held out, as the budget counts; in the business's currency.
-- column.expected_net_value: What the offers to those contacted are expected to earn, their cost taken off; null without a model.
-- column.smallest_balance_p: Smallest p-value of bi.campaign_balance times the number of its rows, at most 1: below 0.001 chance does not explain how the holdout lies.
-- column.statement: What the list can show, in words, as told before it went out.
-- column.run_id: Run that froze the list; see bi.job_runs.
-- column.is_rehearsal: True where nobody could be contacted by it: a later night was published already as it was frozen, or it is of before retention.live_from. Nobody entered the campaign with it, and it begins no cooldown.
-- type.as_of_date: date
-- type.campaign: text
-- type.listed: bigint
-- type.treatment: bigint
-- type.holdout: bigint
-- type.entering: bigint
-- type.members_to_date: bigint
-- type.expected_churn_rate: double precision
-- type.expected_save_rate: double precision
-- type.detectable_effect: double precision
-- type.detectable_save_rate: double precision
-- type.detectable_effect_to_date: double precision
-- type.planned_cost: numeric
-- type.expected_net_value: numeric
-- type.smallest_balance_p: double precision
-- type.statement: text
-- type.run_id: bigint
-- type.is_rehearsal: boolean
select
    c.as_of_date,
    c.campaign,
    c.listed,
    c.treatment,
    c.holdout,
    c.entering,
    c.members_to_date,
    c.expected_churn_rate,
    c.expected_save_rate,
    c.detectable_effect,
    c.detectable_save_rate,
    c.detectable_effect_to_date,
    c.planned_cost,
    c.expected_net_value,
    c.smallest_balance_p,
    c.statement,
    c.run_id,
    c.is_rehearsal
from ops.published as p
inner join scores.campaign_lists as c
    on p.as_of_date = c.as_of_date and p.list_run_id = c.run_id
