-- name: data_quality
-- writes: view bi.data_quality
-- grain: run × check
-- reads: ops.check_results, ops.quarantine, ops.runs
-- params: none
-- window: none
-- comment: What each run found wrong: the checks it made before publishing, and the source rows it could not use. bi.extractions shows how many there were, bi.table_figures what the checks compare.
-- example: select check_name, severity, rows, detail from bi.data_quality where status = 'failed' order by run_id desc, check_name
-- column.run_id: Run that made the check; see bi.job_runs.
-- column.as_of_date: Business date of the run.
-- column.check_name: Name of the check (a file of sql/checks), or quarantine:entity:reason.
-- column.severity: fail = publishing stops; warn = it is shown.
-- column.status: passed or failed.
-- column.rows: Rows that the check found, or source rows left out.
-- column.detail: What was found, with examples.
-- type.run_id: bigint
-- type.as_of_date: date
-- type.check_name: text
-- type.severity: text
-- type.status: text
-- type.rows: bigint
-- type.detail: text
select
    c.run_id,
    r.as_of_date,
    c.check_name,
    c.severity,
    c.status,
    c.rows,
    c.detail
from ops.check_results as c
inner join ops.runs as r on c.run_id = r.run_id
union all
select
    q.run_id,
    r.as_of_date,
    'quarantine:' || q.entity || ':' || q.reason as check_name,
    'warn' as severity,
    'failed' as status,
    q.rows,
    'examples: ' || cast(q.samples as text) as detail
from ops.quarantine as q
inner join ops.runs as r on q.run_id = r.run_id
