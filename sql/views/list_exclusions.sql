-- name: list_exclusions
-- writes: view bi.list_exclusions
-- grain: reason for not being on the latest published night's list
-- reads: ops.published, scores.list_exclusions
-- params: none
-- window: none
-- comment: Why the other customers are not on tonight's list, and what leaving them alone forgoes. Every scored customer is on the list or counted here once, as of the run that scored the night: who opts out afterwards disappears from the list views at once, but is counted here only from the next night on.
-- example: select list_status, customers, value_at_risk, expected_net_value from bi.list_exclusions order by customers desc
-- column.as_of_date: Business date of the latest published night.
-- column.list_status: The first that holds: not contactable; open severe ticket; cooldown = on another list or contacted within retention.cooldown_days; other campaign = entered one within the churn horizon; then below minimum = an offer pays, but less than retention.minimum_value; over budget; over capacity = an offer pays, but others earn more in the places there are; list frozen = the list was there first; no offer pays = none that may be made is expected to earn more than it costs; worth unknown = there is no model, or no CLV.
-- column.customers: Customers left alone for that reason.
-- column.value_at_risk: What is at stake with them; null where that is unknown.
-- column.expected_net_value: What the best offer to each would be expected to earn in all: what leaving them alone forgoes. Null where no offer pays.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- type.as_of_date: date
-- type.list_status: text
-- type.customers: bigint
-- type.value_at_risk: numeric
-- type.expected_net_value: numeric
-- type.run_id: bigint
with latest_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

select
    e.as_of_date,
    e.list_status,
    e.customers,
    e.value_at_risk,
    e.expected_net_value,
    e.run_id
from latest_nights as l
inner join scores.list_exclusions as e
    on l.as_of_date = e.as_of_date and l.run_id = e.run_id
where e.as_of_date = (select max(p.as_of_date) from ops.published as p)
