-- name: payments
-- writes: none
-- grain: customer
-- reads: staging.payments
-- params: as_of
-- window: [as_of - 180, as_of); days since the last over all history
--
-- Paid is a positive payment of status paid. Refunded is a payment of status refunded, by its size, or a negative one
-- of status paid.
with known_payments as (
    select
        p.customer_key,
        p.paid_date,
        p.amount,
        (p.status = 'paid' and p.amount > 0) as is_paid,
        (p.status = 'failed') as is_failed,
        (p.status = 'refunded' or (p.status = 'paid' and p.amount < 0)) as is_refunded
    from staging.payments as p
    where
        p.valid_from < cast(:as_of as date)
        and p.valid_to >= cast(:as_of as date)
        and p.paid_date < cast(:as_of as date)
),

customer_payments as (
    select
        p.customer_key,
        count(*) filter (where p.is_paid and p.paid_date >= cast(:as_of as date) - 28) as paid_28d,
        count(*) filter (where p.is_paid and p.paid_date >= cast(:as_of as date) - 90) as paid_90d,
        count(*) filter (where p.is_failed and p.paid_date >= cast(:as_of as date) - 7) as failed_7d,
        count(*) filter (where p.is_failed and p.paid_date >= cast(:as_of as date) - 28) as failed_28d,
        count(*) filter (where p.is_failed and p.paid_date >= cast(:as_of as date) - 90) as failed_90d,
        coalesce(
            sum(p.amount) filter (where p.is_paid and p.paid_date >= cast(:as_of as date) - 28), 0
        ) as amount_28d,
        coalesce(sum(p.amount) filter (
            where p.is_paid
            and p.paid_date >= cast(:as_of as date) - 56
            and p.paid_date < cast(:as_of as date) - 28
        ), 0) as amount_28d_before,
        coalesce(
            sum(p.amount) filter (where p.is_paid and p.paid_date >= cast(:as_of as date) - 90), 0
        ) as amount_90d,
        coalesce(sum(p.amount) filter (
            where p.is_paid
            and p.paid_date >= cast(:as_of as date) - 180
            and p.paid_date < cast(:as_of as date) - 90
        ), 0) as amount_90d_before,
        coalesce(sum(abs(p.amount)) filter (
            where p.is_refunded and p.paid_date >= cast(:as_of as date) - 90
        ), 0) as refunded_90d,
        max(p.paid_date) filter (where p.is_paid) as last_paid_date,
        max(p.paid_date) filter (where p.is_failed) as last_failed_date
    from known_payments as p
    group by p.customer_key
)

select
    p.customer_key,
    cast(p.paid_28d as integer) as payments_paid_28d,
    cast(p.paid_90d as integer) as payments_paid_90d,
    cast(p.failed_7d as integer) as payments_failed_7d,
    cast(p.failed_28d as integer) as payments_failed_28d,
    cast(p.failed_90d as integer) as payments_failed_90d,
    cast(p.failed_90d as double precision) / nullif(p.paid_90d + p.failed_90d, 0) as failed_share_90d,
    cast(p.amount_28d as double precision) as amount_paid_28d,
    cast(p.amount_90d as double precision) as amount_paid_90d,
    cast(p.amount_28d - p.amount_28d_before as double precision)
    / nullif(cast(p.amount_28d + p.amount_28d_before as double precision), 0) as amount_trend_28d,
    cast(p.amount_90d - p.amount_90d_before as double precision)
    / nullif(cast(p.amount_90d + p.amount_90d_before as double precision), 0) as amount_trend_90d,
    cast(p.refunded_90d as double precision) as amount_refunded_90d,
    cast(cast(:as_of as date) - p.last_paid_date as integer) as days_since_last_payment,
    cast(cast(:as_of as date) - p.last_failed_date as integer) as days_since_last_failed_payment
from customer_payments as p
