-- name: refunded_customers
-- writes: none
-- grain: customer with a refund and a purchase before as_of
-- reads: staging.payments
-- params: as_of
-- window: all purchases and refunds before as_of
--
-- The share of a customer's purchases that refunds left, as purchase_histories has it: the feature monetary_value is
-- before refunds.
select
    p.customer_key,
    cast(
        greatest(
            1 + sum(p.amount) filter (where p.amount < 0)
            / sum(p.amount) filter (where p.status = 'paid' and p.amount > 0),
            0
        ) as double precision
    ) as net_share
from staging.payments as p
where
    p.status in ('paid', 'refunded')
    and p.paid_date < cast(:as_of as date)
    and p.valid_from < cast(:as_of as date)
    and p.valid_to >= cast(:as_of as date)
group by p.customer_key
having
    count(*) filter (where p.amount < 0) > 0
    and count(*) filter (where p.status = 'paid' and p.amount > 0) > 0
order by p.customer_key asc
