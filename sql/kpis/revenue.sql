-- name: revenue
-- writes: none
-- grain: customer × month
-- reads: staging.payments
-- params: as_of
-- window: all history before as_of
--
-- Paid less refunded, as known at as_of, in the month of the payment or refund. A payment that was taken back (its status
-- became refunded) is none; a negative amount lowers the month in which it was paid back.
select
    p.customer_key,
    cast(12 * date_part('year', p.paid_date) + date_part('month', p.paid_date) as integer) as month_number,
    sum(p.amount) as revenue
from staging.payments as p
where
    p.paid_date < cast(:as_of as date)
    and p.valid_from < cast(:as_of as date)
    and p.valid_to >= cast(:as_of as date)
    and (p.status = 'paid' or (p.status = 'refunded' and p.amount < 0))
group by p.customer_key, month_number
