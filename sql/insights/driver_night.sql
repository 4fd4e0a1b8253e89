-- name: driver_night
-- writes: none
-- grain: one row or none
-- reads: ops.published, scores.churn_drivers
-- params: as_of, matured_days, oldest_days
-- window: published nights of [as_of - oldest_days, as_of - matured_days]
--
-- Of the nights whose churn is known by as_of, that gave reasons and were scored by a model that could not have seen
-- what followed: the first of the latest month. All nights of a month then count the same outcome.
select
    p.as_of_date,
    p.run_id
from ops.published as p
where
    p.as_of_date between cast(:as_of as date) - cast(:oldest_days as integer)
    and cast(:as_of as date) - cast(:matured_days as integer)
    and not p.in_sample
    and exists (
        select 1
        from scores.churn_drivers as d
        where d.as_of_date = p.as_of_date and d.run_id = p.run_id
    )
order by date_trunc('month', cast(p.as_of_date as timestamp)) desc, p.as_of_date asc
limit 1
