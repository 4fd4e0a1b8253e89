-- name: clv_totals
-- writes: view bi.clv_totals
-- grain: dimension × value of the latest published night
-- reads: ops.published, scores.clv_totals
-- params: none
-- window: none
-- comment: What the customers of the latest published night are worth together, in total and by segment, value tier and plan, with an 80 % interval.
-- example: select value as segment, customers, clv, clv_low, clv_high from bi.clv_totals where dimension = 'segment' order by clv desc
-- column.as_of_date: Business date of the night.
-- column.dimension: What customers are summed by: all, segment, value_tier or plan.
-- column.value: The segment, value tier or plan; all where everybody is summed.
-- column.customers: Customers in it.
-- column.clv: Their customer lifetime value together, the sum of bi.customer_scores.clv, in the business's currency.
-- column.clv_low: Lower end of the interval that holds what they will bring with a chance of 80 %; null where values come from a naive baseline or are not known. For churn by inactivity it counts how far the backtest was off in total.
-- column.clv_high: Upper end of it.
-- column.clv_if_retained: Their value together if nobody churned within the churn horizon.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- type.as_of_date: date
-- type.dimension: text
-- type.value: text
-- type.customers: bigint
-- type.clv: numeric
-- type.clv_low: numeric
-- type.clv_high: numeric
-- type.clv_if_retained: numeric
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
    t.as_of_date,
    t.dimension,
    t.value,
    t.customers,
    t.clv,
    t.clv_low,
    t.clv_high,
    t.clv_if_retained,
    t.run_id
from latest_nights as l
inner join scores.clv_totals as t
    on l.as_of_date = t.as_of_date and l.run_id = t.run_id
where t.as_of_date = (select max(p.as_of_date) from ops.published as p)
