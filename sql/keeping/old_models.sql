-- name: old_models
-- writes: none
-- grain: model that is no longer needed
-- reads: ops.models, ops.published, ops.runs
-- params: before, first_night, kept_versions
-- window: models trained before the date
--
-- Kept are champions and those that a rollback would bring back (kept_versions), models of published nights, and, for
-- nights that are made again, the one that was in force on the first night that is kept.
select m.model_version
from ops.models as m
where
    m.status <> 'champion'
    and m.trained_as_of < cast(:before as date)
    and m.model_version <> all(cast(:kept_versions as text[]))
    and not exists (
        select 1
        from ops.published as p
        inner join ops.runs as r on p.run_id = r.run_id or p.list_run_id = r.run_id
        where r.versions ->> m.kind = m.model_version
    )
    and (
        m.status = 'challenger'
        or exists (
            select 1
            from ops.models as n
            where
                n.kind = m.kind
                and n.status <> 'challenger'
                and n.trained_as_of > m.trained_as_of
                and n.trained_as_of <= cast(:first_night as date)
        )
    )
order by m.model_version asc
