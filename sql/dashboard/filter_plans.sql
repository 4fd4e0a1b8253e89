-- name: filter_plans
-- writes: none
-- grain: plan of a customer of the last two months; none by inactivity
-- reads: bi.kpi_monthly_by
-- params: none
-- window: none
select distinct b.value as plan
from bi.kpi_monthly_by as b
where
    b.dimension = 'plan'
    and b.value not like '(%'
    and b.month > (
        select max(m.month) - 40
        from bi.kpi_monthly_by as m
    )
order by b.value
