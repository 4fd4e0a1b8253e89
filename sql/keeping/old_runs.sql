-- name: old_runs
-- writes: none
-- grain: run that began before a moment and has something that can go
-- reads: ops.runs, ops.published, ops.past_nights, ops.campaign_outcomes, ops.watermarks, ops.models, ops.tombstones, ops.run_stages, ops.extractions, ops.quarantine, ops.check_results, ops.table_figures
-- params: before, nights, most
-- window: runs that began before the moment, but those of the last published nights
--
-- What hangs on an old run goes: its stages, extractions, quarantine, check results and figures of tables. The run itself
-- goes where nothing that is kept names it: no published night, no outcome of a campaign, no watermark, no tombstone; of
-- the nights of a model that is still there the last one stays, which shows that it was in use.
with last_nights as (
    select
        p.run_id,
        p.list_run_id
    from ops.published as p
    order by p.as_of_date desc
    limit :nights
),

named_runs as (
    select p.run_id
    from ops.published as p
    union
    select p.list_run_id
    from ops.published as p
    union
    select o.run_id
    from ops.campaign_outcomes as o
    union
    select w.run_id
    from ops.watermarks as w
    union
    select t.run_id
    from ops.tombstones as t
    union
    select max(r.run_id)
    from ops.models as m
    inner join ops.runs as r on r.versions ->> m.kind = m.model_version
    left join ops.past_nights as g on r.run_id = g.run_id
    where (r.status = 'succeeded' or g.run_id is not null) and r.job <> 'train'
    group by m.model_version
),

aged_runs as (
    select
        r.run_id,
        (r.is_swept or r.job not in ('nightly', 'backfill'))
        and not exists (
            select 1
            from named_runs as n
            where n.run_id = r.run_id
        ) as is_free
    from ops.runs as r
    where
        r.started_at < cast(:before as timestamptz)
        and r.status <> 'running'
        and not exists (
            select 1
            from last_nights as l
            where r.run_id in (l.run_id, l.list_run_id)
        )
),

filled_runs as (
    select s.run_id
    from ops.run_stages as s
    union
    select e.run_id
    from ops.extractions as e
    union
    select q.run_id
    from ops.quarantine as q
    union
    select c.run_id
    from ops.check_results as c
    union
    select f.run_id
    from ops.table_figures as f
)

select
    a.run_id,
    a.is_free
from aged_runs as a
where
    a.is_free
    or exists (
        select 1
        from filled_runs as f
        where f.run_id = a.run_id
    )
order by a.run_id asc
limit :most
