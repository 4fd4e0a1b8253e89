-- name: segment_migration
-- writes: none
-- grain: segment before × segment after, of the last two month ends
-- reads: bi.segment_migration, bi.kpi_monthly
-- params: none
-- window: none
--
-- The last pair of month ends ends with the latest night; the view does not read the others.
select
    m.from_date,
    m.to_date,
    m.from_segment,
    m.to_segment,
    m.customers,
    cast(m.customers as double precision) / sum(m.customers) over (partition by m.from_segment) as share,
    coalesce(m.from_segment_id = m.to_segment_id, false) as stayed
from bi.segment_migration as m
where
    m.to_date = (
        select max(k.as_of_date)
        from bi.kpi_monthly as k
    )
order by m.from_segment asc, m.customers desc, m.to_segment asc
