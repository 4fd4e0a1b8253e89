-- name: clv_backtests
-- writes: none
-- grain: method
-- reads: ops.runs, ops.clv_backtests, ops.clv_deciles
-- params: run_id
-- window: none
-- severity: fail
-- The backtest of the night's CLV model is of a time with a length and of customers; its tenths are these customers.
with backtests as (
    select
        b.model_version,
        b.method,
        b.from_date,
        b.to_date,
        b.customers,
        b.predicted,
        b.realised
    from ops.runs as r
    inner join ops.clv_backtests as b on r.versions ->> 'clv' = b.model_version
    where r.run_id = :run_id
),

decile_sums as (
    select
        d.model_version,
        d.method,
        sum(d.customers) as customers
    from ops.clv_deciles as d
    where d.model_version in (select b.model_version from backtests as b)
    group by d.model_version, d.method
)

select
    b.method || ': ' || b.predicted || ' predicted, ' || b.realised || ' realised of ' || b.customers || ' customers'
        as problem
from backtests as b
where
    b.customers < 1
    or b.from_date >= b.to_date
    or 'NaN' in (b.predicted, b.realised)
    or 'Infinity' in (b.predicted, b.realised)
union all
select d.method || ': tenths of ' || d.customers || ' customers, not of ' || coalesce(b.customers, 0) as problem
from decile_sums as d
left join backtests as b on d.model_version = b.model_version and d.method = b.method
where d.customers is distinct from b.customers
