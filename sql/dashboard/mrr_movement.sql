-- name: mrr_movement
-- writes: none
-- grain: month, of the last two years; none by inactivity
-- reads: bi.kpi_monthly
-- params: none
-- window: none
select
    k.month,
    k.mrr_start,
    k.mrr_new,
    k.mrr_reactivated,
    k.mrr_expansion,
    k.mrr_contraction,
    k.mrr_churned,
    k.mrr_end,
    k.is_provisional
from bi.kpi_monthly as k
where
    k.mrr_end is not null
    and k.month > (
        select max(m.month) - 750
        from bi.kpi_monthly as m
    )
order by k.month
