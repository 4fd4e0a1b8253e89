-- name: cohort_months
-- writes: scores.cohort_months
-- grain: signup month × months since
-- reads: staging.customers, kpi_customer_months, kpi_calendar, staging.payments
-- params: as_of, run_id, is_contractual
-- window: all history before as_of
--
-- Customers by the month they signed up in, and who of them is active (gaps bridged) or eligible as each month since
-- ends. Customers deleted in the source stay in their cohort: without them it would look as if fewer had left. Only whole
-- months, from the signup month on: who has not paid yet is not retained yet. Revenue is what they paid in the month, or their mrr at its end where no
-- payments are mapped.
insert into scores.cohort_months (
    as_of_date, run_id, signup_month, months_since, customers, retained, revenue, is_provisional
)
with signed_up_customers as (
    select distinct on (c.customer_id)
        c.customer_key,
        cast(date_trunc('month', cast(c.signed_up_date as timestamp)) as date) as signup_month,
        cast(
            12 * date_part('year', c.signed_up_date) + date_part('month', c.signed_up_date) as integer
        ) as signup_number
    from staging.customers as c
    where c.valid_from < cast(:as_of as date) and c.signed_up_date < cast(:as_of as date)
    order by c.customer_id asc, c.valid_from desc
),

cohorts as (
    select
        s.signup_month,
        s.signup_number,
        count(*) as customers
    from signed_up_customers as s
    group by s.signup_month, s.signup_number
),

cohort_sums as (
    select
        s.signup_month,
        c.month,
        count(*) filter (where c.is_end) as retained,
        sum(c.mrr_end) as mrr,
        sum(c.revenue) as revenue
    from signed_up_customers as s
    inner join kpi_customer_months as c on s.customer_key = c.customer_key
    where c.month >= s.signup_month
    group by s.signup_month, c.month
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    h.signup_month,
    m.month_number - h.signup_number as months_since,
    h.customers,
    coalesce(s.retained, 0) as retained,
    case
        when exists (select 1 from staging.payments) then coalesce(s.revenue, 0)
        when cast(:is_contractual as boolean) then coalesce(s.mrr, 0)
    end as revenue,
    m.is_provisional
from cohorts as h
inner join kpi_calendar as m on h.signup_month <= m.month and m.is_complete
left join cohort_sums as s on h.signup_month = s.signup_month and m.month = s.month
