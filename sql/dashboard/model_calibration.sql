-- name: model_calibration
-- writes: none
-- grain: bin of customers with about the same probability
-- reads: bi.model_performance, bi.calibration
-- params: version, evaluation, segment
-- window: none
with chosen_models as (
    select p.model_version
    from bi.model_performance as p
    where
        p.evaluation = 'out_of_time'
        and (cast(:version as text) is null or p.model_version = cast(:version as text))
    order by case when p.model_status = 'champion' then 0 else 1 end, p.trained_as_of desc, p.model_version desc
    limit 1
)

select
    b.bin,
    b.predicted,
    b.observed,
    b.observed_low,
    b.observed_high,
    b.customers,
    b.predicted < b.observed_low or b.predicted > b.observed_high as is_off
from chosen_models as c
inner join bi.calibration as b on c.model_version = b.model_version
where b.evaluation = cast(:evaluation as text) and b.segment = cast(:segment as text)
order by b.bin
