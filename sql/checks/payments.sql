-- name: payments
-- writes: none
-- grain: payment
-- reads: staging.payments, staging.customer_keys
-- params: as_of
-- window: [as_of - 35, as_of)
-- severity: fail
-- The payments of the last weeks are of known customers, of finite amounts, of a known status and of the day of their time.
-- That each has one current version, an index sees to.
select
    'payment ' || p.payment_id
    || case
        when k.customer_key is null then ': of a customer that nobody knows'
        else ': an amount, a status or a day that can''t be'
    end as problem
from staging.payments as p
left join staging.customer_keys as k on p.customer_key = k.customer_key
where
    p.valid_to = timestamp '9999-12-31'
    and p.paid_date >= cast(:as_of as date) - 35
    and p.paid_date < cast(:as_of as date)
    and (
        k.customer_key is null
        or p.amount in ('NaN', 'Infinity', '-Infinity')
        or p.status not in ('paid', 'failed', 'refunded')
        or p.paid_date <> cast(p.paid_at as date)
    )
