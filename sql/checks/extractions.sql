-- name: extractions
-- writes: none
-- grain: entity of an extraction
-- reads: ops.extractions, ops.quarantine, ops.watermarks
-- params: run_id
-- window: none
-- severity: fail
-- Each source row that the latest extraction of an entity has read is accounted for: used, put into quarantine with a
-- reason, or left out because its customer is to be forgotten.
with latest_extractions as (
    select
        e.run_id,
        e.entity,
        e.rows_read,
        e.rows_used,
        e.rows_quarantined,
        e.rows_forgotten,
        least(
            e.rows_read, e.rows_used, e.rows_quarantined, e.rows_forgotten, e.rows_changed, e.rows_deleted, e.late_rows
        )
            as least_count
    from ops.extractions as e
    where
        e.run_id = :run_id
        or exists (
            select 1
            from ops.watermarks as w
            where w.run_id = e.run_id and w.entity = e.entity
        )
),

reason_totals as (
    select
        q.run_id,
        q.entity,
        sum(q.rows) as rows
    from ops.quarantine as q
    where q.run_id in (select e.run_id from latest_extractions as e)
    group by q.run_id, q.entity
)

select
    e.entity || ': ' || e.rows_read || ' rows read, ' || e.rows_used || ' used, ' || e.rows_quarantined
    || ' in quarantine, ' || e.rows_forgotten || ' to be forgotten' as problem
from latest_extractions as e
where e.rows_read <> e.rows_used + e.rows_quarantined + e.rows_forgotten or e.least_count < 0
union all
select e.entity || ': ' || e.rows_quarantined || ' rows in quarantine, reasons for ' || coalesce(t.rows, 0) as problem
from latest_extractions as e
left join reason_totals as t on e.run_id = t.run_id and e.entity = t.entity
where e.rows_quarantined <> coalesce(t.rows, 0)
