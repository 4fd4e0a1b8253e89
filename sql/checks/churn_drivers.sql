-- name: churn_drivers
-- writes: none
-- grain: problem
-- reads: scores.churn_drivers, scores.customer_scores, scores.segment_nights
-- params: as_of, run_id
-- window: none
-- severity: fail
-- No driver affects more customers than there are, of the night or of its segment, and none weighs less than nothing.
with night_totals as (
    select
        '' as segment,
        count(*) as customers
    from scores.customer_scores as s
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
    union all
    select
        n.segment,
        n.customers
    from scores.segment_nights as n
    where n.as_of_date = cast(:as_of as date) and n.run_id = :run_id
)

select d.driver || coalesce(' of ' || nullif(d.segment, ''), '') || ': a value out of its range' as problem
from scores.churn_drivers as d
left join night_totals as t on d.segment = t.segment
where
    d.as_of_date = cast(:as_of as date)
    and d.run_id = :run_id
    and (
        t.customers is null
        or d.customers_affected < 0
        or d.customers_affected > t.customers
        or d.importance < 0
        or d.importance in ('NaN', 'Infinity')
    )
