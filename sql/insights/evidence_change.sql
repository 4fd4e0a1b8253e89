-- name: evidence_change
-- writes: none
-- grain: one row
-- reads: bi.week_changes
-- params: as_of, measure, subject
-- window: weeks before as_of, at most 26
--
-- Earlier weeks are those of the same weekday and distance: what a weekday does to all customers is then in both.
select
    w.compared_date,
    w.customers,
    w.figure_before,
    w.figure,
    w.change,
    w.standard_error,
    count(h.change) as weeks,
    coalesce(
        sqrt(cast(sum(power(cast(h.change as numeric), 2)) / nullif(count(h.change), 0) as double precision)), 0
    ) as ordinary_change
from bi.week_changes as w
left join bi.week_changes as h
    on
        w.measure = h.measure
        and w.value = h.value
        and h.as_of_date between cast(:as_of as date) - 182 and cast(:as_of as date) - 7
        and mod(w.as_of_date - h.as_of_date, 7) = 0
        and w.as_of_date - w.compared_date = h.as_of_date - h.compared_date
where
    w.measure = :measure
    and w.value = :subject
    and w.as_of_date = cast(:as_of as date)
group by
    w.compared_date,
    w.customers,
    w.figure_before,
    w.figure,
    w.change,
    w.standard_error
