-- name: report_months
-- writes: none
-- grain: month, of the two years up to a published night
-- reads: bi.kpi_monthly
-- params: as_of
-- window: (as_of - 750, as_of]
select
    k.month,
    k.customers_end,
    k.new,
    k.churned,
    k.churn_rate,
    k.mrr_end,
    k.revenue,
    k.nrr,
    k.month + interval '1 month' > cast(:as_of as date) as is_of_night
from bi.kpi_monthly as k
where k.month > cast(:as_of as date) - 750 and k.month <= cast(:as_of as date)
order by k.month
