-- name: group_outcomes
-- writes: view bi.group_outcomes
-- grain: dimension × value of the latest published night
-- reads: ops.published, scores.group_outcomes
-- params: none
-- window: none
-- comment: Who left, of the customers of a past night whose churn is known: of each segment, beside everybody else; and of those for whom the model had named a behaviour among the three main reasons, beside those who had other reasons. The counts behind bi.insights.
-- example: select value as segment, customers, churned, churn_rate, others_churn_rate from bi.group_outcomes where dimension = 'segment' order by churn_rate desc nulls last
-- column.as_of_date: Business date of the night.
-- column.dimension: segment or driver (a behaviour, as in bi.churn_drivers).
-- column.value: The segment, by its name tonight, or the behaviour.
-- column.outcome_as_of_date: The past night, or month end, whose churn was counted.
-- column.customers: Customers counted in the group on outcome_as_of_date; behaviours overlap, and leave out whom a campaign was to treat.
-- column.churned: Those of them who churned within the horizon.
-- column.churn_rate: churned / customers.
-- column.others: Whom the group is held against: all other customers counted on outcome_as_of_date; for a behaviour those of them who had other reasons (the list and the riskiest tenth have reasons).
-- column.others_churned: Those of them who churned within the horizon.
-- column.others_churn_rate: others_churned / others.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- type.as_of_date: date
-- type.dimension: text
-- type.value: text
-- type.outcome_as_of_date: date
-- type.customers: bigint
-- type.churned: bigint
-- type.churn_rate: double precision
-- type.others: bigint
-- type.others_churned: bigint
-- type.others_churn_rate: double precision
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
    g.as_of_date,
    g.dimension,
    g.value,
    g.outcome_as_of_date,
    g.customers,
    g.churned,
    cast(g.churned as double precision) / nullif(g.customers, 0) as churn_rate,
    g.others,
    g.others_churned,
    cast(g.others_churned as double precision) / nullif(g.others, 0) as others_churn_rate,
    g.run_id
from latest_nights as l
inner join scores.group_outcomes as g
    on l.as_of_date = g.as_of_date and l.run_id = g.run_id
where g.as_of_date = (select max(p.as_of_date) from ops.published as p)
