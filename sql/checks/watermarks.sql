-- name: watermarks
-- writes: none
-- grain: entity
-- reads: ops.watermarks, ops.extractions
-- params: none
-- window: none
-- severity: fail
-- How far an entity was read is what an extraction says that has counted its rows. An entity that the latest extraction does
-- not have is no longer mapped: what was counted of it goes with the other old runs (keep.runs_days).
with latest_extractions as (
    select max(e.run_id) as run_id
    from ops.extractions as e
)

select w.entity || ': read by run ' || w.run_id || ', which has counted none of its rows' as problem
from ops.watermarks as w
where
    exists (
        select 1
        from latest_extractions as l
        left join ops.extractions as e on l.run_id = e.run_id and w.entity = e.entity
        where w.run_id >= l.run_id or e.run_id is not null
    )
    and not exists (
        select 1
        from ops.extractions as e
        where e.run_id = w.run_id and e.entity = w.entity
    )
