-- name: models
-- writes: none
-- grain: model of the night
-- reads: ops.runs, ops.models, ops.model_events
-- params: run_id
-- window: none
-- severity: fail
-- What a night says it was made by is in the registry, with a digest and a record of how it came there.
with night_models as (
    select
        v.key as kind,
        v.value as model_version
    from ops.runs as r
    cross join lateral jsonb_each_text(r.versions) as v (key, value)
    where r.run_id = :run_id and v.key in ('churn', 'segments', 'clv') and v.value not in ('', 'recency-rule', 'none')
)

select n.kind || ': ' || n.model_version || ' is not in the registry, or not as such a model' as problem
from night_models as n
left join ops.models as m on n.model_version = m.model_version and n.kind = m.kind
where
    m.model_version is null
    or length(m.sha256) <> 64
    or not exists (select 1 from ops.model_events as e where e.model_version = n.model_version)
