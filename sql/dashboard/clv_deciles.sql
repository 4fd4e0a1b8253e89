-- name: clv_deciles
-- writes: none
-- grain: tenth of the customers by predicted value, for the method in use
-- reads: bi.clv_performance, bi.clv_deciles
-- params: none
-- window: none
select
    d.decile,
    d.customers,
    d.predicted,
    d.realised,
    d.predicted_over_realised,
    d.method
from bi.clv_performance as p
inner join bi.clv_deciles as d on p.model_version = d.model_version and p.method = d.method
where p.model_status = 'champion' and p.is_used
order by d.decile
