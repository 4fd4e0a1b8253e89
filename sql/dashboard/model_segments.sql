-- name: model_segments
-- writes: none
-- grain: segment, all customers first
-- reads: bi.model_performance, bi.model_figures
-- params: version, evaluation
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
    f.segment,
    max(f.value) filter (where f.figure = 'auc_roc') as auc_roc,
    max(f.low) filter (where f.figure = 'auc_roc') as auc_roc_low,
    max(f.high) filter (where f.figure = 'auc_roc') as auc_roc_high,
    max(f.value) filter (where f.figure = 'lift_top_decile') as lift_top_decile,
    max(f.value) filter (where f.figure = 'precision') as precision,
    max(f.value) filter (where f.figure = 'recall') as recall,
    max(f.value) filter (where f.figure = 'observed_expected') as observed_expected,
    max(f.low) filter (where f.figure = 'observed_expected') as observed_expected_low,
    max(f.high) filter (where f.figure = 'observed_expected') as observed_expected_high
from chosen_models as c
inner join bi.model_figures as f on c.model_version = f.model_version
where f.evaluation = cast(:evaluation as text) and f.predictor = 'model'
group by f.segment
order by case when f.segment = 'all' then 0 else 1 end, f.segment
