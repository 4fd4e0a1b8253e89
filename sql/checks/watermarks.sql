-- name: watermarks
-- writes: none
-- grain: entity
-- reads: ops.watermarks, ops.extractions, ops.runs
-- params: none
-- window: none
-- severity: fail
-- How far an entity was read is what an extraction says that has counted its rows, where the ledger still reaches back to it.
select w.entity || ': read by run ' || w.run_id || ', which has counted none of its rows' as problem
from ops.watermarks as w
where
    w.run_id >= (select min(r.run_id) from ops.runs as r)
    and not exists (
        select 1
        from ops.extractions as e
        where e.run_id = w.run_id and e.entity = w.entity
    )
