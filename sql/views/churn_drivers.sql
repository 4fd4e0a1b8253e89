-- name: churn_drivers
-- writes: view bi.churn_drivers
-- grain: behaviour × (all customers or a segment) of the latest published night
-- reads: ops.published, scores.churn_drivers, ops.runs
-- params: none
-- window: none
-- comment: What behaviour leads to churn: how much each weighs in the model's scores of the latest published night, and how many customers it pushes towards leaving; for all customers and for each segment. A behaviour goes with leaving; that it causes it, only a campaign can show. Empty while no model has been trained.
-- example: select driver, direction, importance, customers_affected, description from bi.churn_drivers where segment = 'all' order by importance desc limit 10
-- column.as_of_date: Business date of the night.
-- column.segment: The segment, or all for the whole night; see bi.segments. Over the segments, customers_affected adds up to that of all but for rounding.
-- column.driver: The behaviour: what customers do, pay or ask, whichever features measure it.
-- column.direction: raises = for at least twice as many of these customers it makes leaving likelier (odds up by a tenth or more) as it makes it less likely; lowers = the reverse; mixed = neither. Compared with the average customer that the model learned from.
-- column.importance: Mean size of its contribution to the log-odds of leaving, whichever way it goes; 0.1 moves the odds by about a tenth.
-- column.customers_affected: Customers whose odds of leaving it raises by a tenth or more; estimated from those that were explained.
-- column.description: What it takes in, and for how many customers it does what, in plain words.
-- column.model_version: Model that gave the scores.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- type.as_of_date: date
-- type.segment: text
-- type.driver: text
-- type.direction: text
-- type.importance: double precision
-- type.customers_affected: bigint
-- type.description: text
-- type.model_version: text
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
    d.as_of_date,
    case when d.segment = '' then 'all' else d.segment end as segment,
    d.driver,
    d.direction,
    d.importance,
    d.customers_affected,
    d.description,
    r.versions ->> 'churn' as model_version,
    d.run_id
from latest_nights as l
inner join scores.churn_drivers as d
    on l.as_of_date = d.as_of_date and l.run_id = d.run_id
inner join ops.runs as r on d.run_id = r.run_id
where d.as_of_date = (select max(p.as_of_date) from ops.published as p)
