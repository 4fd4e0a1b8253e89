-- name: clv_performance
-- writes: none
-- grain: method that values customers, in the backtest of the CLV model in use
-- reads: bi.clv_performance
-- params: none
-- window: none
select
    p.method,
    p.from_date,
    p.to_date,
    p.customers,
    p.predicted,
    p.realised,
    p.predicted_over_realised,
    p.mean_absolute_error,
    p.decile_error,
    p.rank_correlation,
    p.is_used,
    p.is_best,
    p.model_version
from bi.clv_performance as p
where p.model_status = 'champion'
order by p.is_used desc, p.method asc
