-- name: realised_claims
-- writes: none
-- grain: earlier model whose realised nights overlap some months
-- reads: ops.model_performance
-- params: from_as_of, to_as_of
-- window: realised nights of [from_as_of, to_as_of]
--
-- What a model's test promised beside what its published nights came to.
select
    t.model_version,
    t.auc_roc as claimed,
    t.auc_roc_low as claimed_low,
    t.auc_roc_high as claimed_high,
    r.auc_roc as realised,
    r.auc_roc_low as realised_low,
    r.auc_roc_high as realised_high
from ops.model_performance as t
inner join ops.model_performance as r on t.model_version = r.model_version
where
    t.evaluation = 'out_of_time'
    and r.evaluation = 'realised'
    and r.from_as_of_date <= cast(:to_as_of as date)
    and r.to_as_of_date >= cast(:from_as_of as date)
order by t.model_version
