-- name: payments_currencies
-- writes: none
-- grain: currency other than the business's
-- reads: load_payments
-- params: currency
-- window: none
--
-- Currencies are compared without regard to case and spaces; null and empty count as the business's.
with row_currencies as (
    select upper(trim(l.currency)) as currency
    from load_payments as l
    where coalesce(trim(l.currency), '') <> ''
)

select
    r.currency,
    count(*) as rows
from row_currencies as r
where r.currency <> upper(trim(cast(:currency as text)))
group by r.currency
order by r.currency asc
