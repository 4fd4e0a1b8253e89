-- name: model_curves
-- writes: none
-- grain: point of one curve of one model
-- reads: bi.model_performance, bi.model_curves
-- params: version, evaluation, segment, curve
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
    v.point,
    v.x,
    v.y
from chosen_models as c
inner join bi.model_curves as v on c.model_version = v.model_version
where
    v.evaluation = cast(:evaluation as text)
    and v.segment = cast(:segment as text)
    and v.curve = cast(:curve as text)
order by v.point
