-- name: payments
-- writes: none
-- grain: problem
-- reads: staging.payments
-- params: as_of
-- window: [as_of − 35 days, as_of)
-- severity: warn
-- Payments go on arriving: some in the last 35 days, where there are any before as_of at all.
select 'the latest payment is of ' || max(p.paid_date) as problem
from staging.payments as p
where p.paid_date < cast(:as_of as date)
having max(p.paid_date) < cast(:as_of as date) - 35
