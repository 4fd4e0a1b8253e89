-- name: retention_cohorts
-- writes: view bi.retention_cohorts
-- grain: signup month × months since
-- reads: ops.published, scores.cohort_months
-- params: none
-- window: none
-- comment: How many of the customers who signed up in a month are still there as each month since ends, and what they bring in it. Not 100 % at 0: that is the end of the signup month, and who never paid counts too. Whole months only, the running one is left out; as known on the latest published night.
-- example: select signup_month, months_since, customers, retained, retention_rate from bi.retention_cohorts where months_since in (0, 3, 6, 12) order by signup_month, months_since
-- column.signup_month: First day of the month that the customers signed up in.
-- column.months_since: Whole months since: 0 is the signup month itself, as it ended.
-- column.customers: Customers who signed up in signup_month, whether or not they ever paid; those deleted in the source included.
-- column.retained: Of them, those who are active as the month ends, gaps bridged; by inactivity those with a purchase in churn.inactivity_days. 0 until somebody has paid. Who came back counts again, so it may rise.
-- column.retention_rate: retained / customers, 0 to 1.
-- column.revenue: Paid less refunded by them in the month; their monthly recurring revenue at its end where no payments are mapped.
-- column.is_provisional: True while a gap that began in the month may still be bridged; retained may yet rise a little.
-- column.as_of_date: Business date of the night; nothing that happened on or after it was used.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- type.signup_month: date
-- type.months_since: integer
-- type.customers: bigint
-- type.retained: bigint
-- type.retention_rate: double precision
-- type.revenue: numeric
-- type.is_provisional: boolean
-- type.as_of_date: date
-- type.run_id: bigint
with latest_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

select
    c.signup_month,
    c.months_since,
    c.customers,
    c.retained,
    cast(c.retained as double precision) / nullif(c.customers, 0) as retention_rate,
    c.revenue,
    c.is_provisional,
    c.as_of_date,
    c.run_id
from latest_nights as l
inner join scores.cohort_months as c
    on l.as_of_date = c.as_of_date and l.run_id = c.run_id
where c.as_of_date = (select max(p.as_of_date) from ops.published as p)
