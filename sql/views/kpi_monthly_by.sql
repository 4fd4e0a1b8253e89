-- name: kpi_monthly_by
-- writes: view bi.kpi_monthly_by
-- grain: month × dimension × value
-- reads: ops.published, scores.kpi_figures
-- params: none
-- window: none
-- comment: The figures of bi.kpi_monthly by segment and by plan. Every customer of a month has one value of each, so the values of a dimension add up to bi.kpi_monthly in every column that is a count or a sum of money.
-- example: select month, value as segment, churn_rate, nrr from bi.kpi_monthly_by where dimension = 'segment' and not is_provisional order by month desc, churn_rate desc nulls last
-- column.month: First day of the month.
-- column.dimension: segment or plan; by inactivity there is no plan.
-- column.value: The segment or plan at the month's start. Who came in the month: the plan of the day they came, the segment they were in as the next month began (in the last month, on as_of_date); (new) and (returned) where none is known of that day. (unknown): no segment is known of the month's start. Plans: that of the dearest subscription, (none) without a name or without paid coverage.
-- column.customers_start: Customers as the month began: active with gaps bridged, or by inactivity with a purchase in churn.inactivity_days.
-- column.new: Customers for the first time: with paid coverage that began in the month and was there at its end; by inactivity those with their first purchase. Who comes and goes within the month is in neither new nor churned.
-- column.reactivated: Customers who came back in the month and were there at its end, after a gap longer than the grace days; by inactivity those who bought again and were not in customers_start.
-- column.churned: Of customers_start, those whose coverage ended on a day of the month and was not resumed within the grace days; by inactivity those who bought nothing in the month. The churn label with the month's length as horizon, and besides those in a bridged gap on the first day, whom the label leaves out. Null while the month is provisional.
-- column.churn_rate: churned / customers_start, 0 to 1; null while the month is provisional or where nobody was there.
-- column.retention_rate: 1 less churn_rate.
-- column.mrr_start: Monthly recurring revenue of customers_start, exact; null for businesses without subscriptions, like every mrr column and what is made of them.
-- column.mrr_new: Monthly recurring revenue, at the month's end, of the customers in new.
-- column.mrr_expansion: By how much the mrr of customers who stayed was higher at the month's end than at its start, summed over those with more.
-- column.mrr_contraction: By how much it was lower, summed over those with less; 0 or more.
-- column.mrr_churned: What the customers who churned had paid at the month's start; 0 or more. While the month is provisional a gap counts as ended until it is resumed.
-- column.mrr_reactivated: Monthly recurring revenue, at the month's end, of the customers in reactivated.
-- column.mrr_end: mrr_start + mrr_new + mrr_reactivated + mrr_expansion - mrr_contraction - mrr_churned, to the cent; the total is also the mrr_start of the next month.
-- column.nrr: Net revenue retention of the customers of the start: (mrr_start + mrr_expansion - mrr_contraction - mrr_churned) / mrr_start; who came, or came back, does not count. Null while the month is provisional.
-- column.grr: Gross revenue retention: (mrr_start - mrr_contraction - mrr_churned) / mrr_start, 0 to 1. Null while the month is provisional.
-- column.arpa: Average revenue per active customer: mrr_end / customers_end; by inactivity revenue / customers_end.
-- column.avg_clv: Average customer lifetime value of whoever was in the segment or on the plan on the month's last published night (of the month that is not over, on as_of_date): not of the customers whom the row's other columns are about. Null where there is no such night or CLV.
-- column.customers_end: Customers as the month ended, or on as_of_date. Contracts: customers_start + new + reactivated - churned. By inactivity who churned stays until the last purchase is churn.inactivity_days old, so what is missing to that sum is who grew that old.
-- column.revenue: Paid less refunded in the month, on the day of the payment or refund, as known on as_of_date; null where no payments are mapped.
-- column.horizon_customers: Customers whom the churn label looks at as of the month's first day: customers_start without those inside a gap. Null until the label is known.
-- column.horizon_churned: Of horizon_customers, those who churned within churn.horizon_days from the month's first day: the very label that models learn. Null until it is known.
-- column.churn_rate_horizon: horizon_churned / horizon_customers.
-- column.is_provisional: True while the month is not over, or a gap that began in it may still be bridged (its end + churn.grace_days is after as_of_date). Other than horizon_churned, churned does not wait for the month's start + churn.horizon_days + churn.grace_days.
-- column.as_of_date: Business date of the night; nothing that happened on or after it was used.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- type.month: date
-- type.dimension: text
-- type.value: text
-- type.customers_start: bigint
-- type.new: bigint
-- type.reactivated: bigint
-- type.churned: bigint
-- type.churn_rate: double precision
-- type.retention_rate: double precision
-- type.mrr_start: numeric
-- type.mrr_new: numeric
-- type.mrr_expansion: numeric
-- type.mrr_contraction: numeric
-- type.mrr_churned: numeric
-- type.mrr_reactivated: numeric
-- type.mrr_end: numeric
-- type.nrr: double precision
-- type.grr: double precision
-- type.arpa: numeric
-- type.avg_clv: numeric
-- type.customers_end: bigint
-- type.revenue: numeric
-- type.horizon_customers: bigint
-- type.horizon_churned: bigint
-- type.churn_rate_horizon: double precision
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
    k.month,
    k.dimension,
    k.value,
    k.customers_start,
    k.new,
    k.reactivated,
    k.churned,
    k.churn_rate,
    k.retention_rate,
    k.mrr_start,
    k.mrr_new,
    k.mrr_expansion,
    k.mrr_contraction,
    k.mrr_churned,
    k.mrr_reactivated,
    k.mrr_end,
    k.nrr,
    k.grr,
    k.arpa,
    k.avg_clv,
    k.customers_end,
    k.revenue,
    k.horizon_customers,
    k.horizon_churned,
    k.churn_rate_horizon,
    k.is_provisional,
    k.as_of_date,
    k.run_id
from latest_nights as l
inner join scores.kpi_figures as k
    on l.as_of_date = k.as_of_date and l.run_id = k.run_id
where k.dimension <> 'all' and k.as_of_date = (select max(p.as_of_date) from ops.published as p)
