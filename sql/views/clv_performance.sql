-- name: clv_performance
-- writes: view bi.clv_performance
-- grain: CLV model version × method
-- reads: ops.clv_backtests, ops.models, ops.published, ops.runs
-- params: none
-- window: none
-- comment: How near customer lifetime value came to what customers then brought, beside what anyone could reckon without a model. Money is undiscounted margin of the tested period.
-- example: select method, predicted, realised, decile_error, rank_correlation, is_best from bi.clv_performance where model_status = 'champion' order by is_best desc
-- column.model_version: Version of the CLV model; it was fitted as of from_date for the test, and then on everything. Where a night could not test it anew, the test of the one before.
-- column.model_status: champion = values of the latest published night come from it; challenger = fitted since, the next night takes it; retired = was in use.
-- column.trained_as_of: Date as of which the model was fitted.
-- column.method: model; own_rate = each customer's own average so far, for ever; segment_average = what customers of the same segment brought a month in the period before.
-- column.from_date: First day of the tested period; nothing later went into the predictions.
-- column.to_date: Day after the last one.
-- column.customers: Customers tested: those active on from_date, of a sample where training took one.
-- column.predicted: What the method said that they would bring together.
-- column.realised: What they brought.
-- column.predicted_over_realised: The one over the other; 1 is right, above 1 too much was promised.
-- column.mean_absolute_error: Average distance of prediction and outcome per customer.
-- column.decile_error: Average over tenths of the customers, by prediction, of the distance as a share of what the tenth brought, or of a tenth of what an average tenth brought where that is more.
-- column.rank_correlation: Spearman's correlation of prediction and outcome; 1 = the order of the customers was right.
-- column.is_used: Values of bi.customer_scores come from this method (clv.method in churn.toml).
-- column.is_best: It has the smallest error of the total plus error by decile.
-- type.model_version: text
-- type.model_status: text
-- type.trained_as_of: date
-- type.method: text
-- type.from_date: date
-- type.to_date: date
-- type.customers: bigint
-- type.predicted: numeric
-- type.realised: numeric
-- type.predicted_over_realised: double precision
-- type.mean_absolute_error: double precision
-- type.decile_error: double precision
-- type.rank_correlation: double precision
-- type.is_used: boolean
-- type.is_best: boolean
with nights_in_use as (
    select
        r.versions ->> 'clv' as model_version,
        r.versions ->> 'clv_method' as method
    from ops.published as p
    inner join ops.runs as r on p.run_id = r.run_id
    order by p.as_of_date desc
    limit 1
),

known_models as (
    select
        m.model_version,
        m.trained_as_of,
        u.method as method_in_use,
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
    b.model_version,
    m.model_status,
    m.trained_as_of,
    b.method,
    b.from_date,
    b.to_date,
    b.customers,
    b.predicted,
    b.realised,
    cast(b.predicted / nullif(b.realised, 0) as double precision) as predicted_over_realised,
    b.mean_absolute_error,
    b.decile_error,
    b.rank_correlation,
    case when m.model_status = 'champion' then coalesce(b.method = m.method_in_use, b.is_used) else b.is_used end
        as is_used,
    b.is_best
from ops.clv_backtests as b
inner join known_models as m on b.model_version = m.model_version
order by
    case when m.model_status = 'champion' then 0 else 1 end asc,
    m.trained_as_of desc,
    b.model_version desc,
    case b.method when 'model' then 0 when 'own_rate' then 1 else 2 end asc
