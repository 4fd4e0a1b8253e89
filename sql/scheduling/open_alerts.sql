-- name: open_alerts
-- writes: none
-- grain: severity
-- reads: ops.alerts
-- params: none
-- window: none
select
    a.severity,
    count(*) as alerts
from ops.alerts as a
where a.closed_at is null
group by a.severity
order by a.severity asc
