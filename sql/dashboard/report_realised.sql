-- name: report_realised
-- writes: none
-- grain: figure of one published night
-- reads: bi.realised_performance
-- params: as_of
-- window: none
select
    p.figure,
    p.value,
    p.expected,
    p.low,
    p.high,
    p.status,
    p.customers,
    p.churners
from bi.realised_performance as p
where p.as_of_date = cast(:as_of as date)
order by p.figure
