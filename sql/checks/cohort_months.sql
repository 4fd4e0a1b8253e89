-- name: cohort_months
-- writes: none
-- grain: problem
-- reads: scores.cohort_months
-- params: as_of, run_id
-- window: none
-- severity: fail
-- Of a cohort at most everybody is retained, it has the same customers in every month, and no month is left out.
with cohort_figures as (
    select
        c.signup_month,
        c.months_since,
        c.customers,
        c.retained,
        lag(c.months_since) over (partition by c.signup_month order by c.months_since asc) as previous_months,
        lag(c.customers) over (partition by c.signup_month order by c.months_since asc) as previous_customers
    from scores.cohort_months as c
    where c.as_of_date = cast(:as_of as date) and c.run_id = :run_id
)

select 'cohort ' || c.signup_month || ', ' || c.months_since || ': ' || c.retained || ' of ' || c.customers as problem
from cohort_figures as c
where c.retained > c.customers or c.retained < 0 or c.customers < 1 or c.months_since < 0
union all
select 'cohort ' || c.signup_month || ', ' || c.months_since || ': does not follow the month before' as problem
from cohort_figures as c
where c.previous_months <> c.months_since - 1 or c.previous_customers <> c.customers
