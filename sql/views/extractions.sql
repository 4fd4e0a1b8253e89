-- name: extractions
-- writes: view bi.extractions
-- grain: run × entity
-- reads: ops.extractions, ops.runs
-- params: none
-- window: none
-- comment: What became of the source's rows: each row that was read was used, put into quarantine or left out because its customer is to be forgotten. Why rows are in quarantine, bi.data_quality tells.
-- example: select entity, rows_read, rows_used, rows_quarantined, rows_forgotten from bi.extractions where run_id = (select max(run_id) from bi.extractions) order by entity
-- column.run_id: Run that read the source; see bi.job_runs.
-- column.as_of_date: Business date of the run.
-- column.entity: customers, subscriptions, payments, usage_events or support_tickets.
-- column.mode: full = all rows were read; changed = rows by updated_at; recent = the last days of usage; recent and late = and older late events were counted.
-- column.rows_read: Rows read from the source (of usage: events) = rows_used + rows_quarantined + rows_forgotten.
-- column.rows_used: Rows that staging was brought up to.
-- column.rows_quarantined: Rows that could not be used.
-- column.rows_forgotten: Rows left out because their customer is to be forgotten.
-- column.rows_changed: Rows of staging that were written.
-- column.rows_deleted: Rows of staging that are over, because the source no longer has them.
-- column.late_rows: Events older than the days read that staging lacks; counted in mode recent and late.
-- column.quarantined_share: Share of the rows read that could not be used, 0 to 1; null where none was read.
-- type.run_id: bigint
-- type.as_of_date: date
-- type.entity: text
-- type.mode: text
-- type.rows_read: bigint
-- type.rows_used: bigint
-- type.rows_quarantined: bigint
-- type.rows_forgotten: bigint
-- type.rows_changed: bigint
-- type.rows_deleted: bigint
-- type.late_rows: bigint
-- type.quarantined_share: double precision
select
    e.run_id,
    r.as_of_date,
    e.entity,
    e.mode,
    e.rows_read,
    e.rows_used,
    e.rows_quarantined,
    e.rows_forgotten,
    e.rows_changed,
    e.rows_deleted,
    e.late_rows,
    cast(e.rows_quarantined as double precision) / nullif(e.rows_read, 0) as quarantined_share
from ops.extractions as e
inner join ops.runs as r on e.run_id = r.run_id
