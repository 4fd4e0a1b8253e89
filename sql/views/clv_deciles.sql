-- name: clv_deciles
-- writes: view bi.clv_deciles
-- grain: CLV model version × method × decile
-- reads: ops.clv_deciles, ops.models, ops.published, ops.runs
-- params: none
-- window: none
-- comment: Prediction beside outcome of each tenth of the customers, ordered by prediction, in the backtest of a CLV model.
-- example: select decile, predicted, realised from bi.clv_deciles where model_status = 'champion' and method = 'model' order by decile
-- column.model_version: Version of the CLV model.
-- column.model_status: champion = in use; challenger = fitted since; retired = was in use; see bi.clv_performance.
-- column.method: model, own_rate or segment_average; see bi.clv_performance.
-- column.decile: 1 = the tenth with the lowest predictions, 10 = the highest.
-- column.customers: Customers in it.
-- column.predicted: What the method said that they would bring together, undiscounted margin.
-- column.realised: What they brought.
-- column.predicted_over_realised: The one over the other; null where they brought nothing.
-- type.model_version: text
-- type.model_status: text
-- type.method: text
-- type.decile: integer
-- type.customers: bigint
-- type.predicted: numeric
-- type.realised: numeric
-- type.predicted_over_realised: double precision
with nights_in_use as (
    select r.versions ->> 'clv' as model_version
    from ops.published as p
    inner join ops.runs as r on p.run_id = r.run_id
    order by p.as_of_date desc
    limit 1
),

known_models as (
    select
        m.model_version,
        case
            when u.model_version is null then m.status
            when u.model_version = m.model_version then 'champion'
            when m.status = 'champion' then 'challenger'
            else 'retired'
        end as model_status
    from ops.models as m
    left join nights_in_use as u on true
    where
        exists (
            select 1
            from ops.runs as r
            where
                (r.status = 'succeeded' or exists (select 1 from ops.published as p where p.run_id = r.run_id))
                and r.versions ->> 'clv' = m.model_version
        )
)

select
    d.model_version,
    m.model_status,
    d.method,
    d.decile,
    d.customers,
    d.predicted,
    d.realised,
    cast(d.predicted / nullif(d.realised, 0) as double precision) as predicted_over_realised
from ops.clv_deciles as d
inner join known_models as m on d.model_version = m.model_version
