-- Payments of the simulated company: one row per attempt to charge and per refund (negative amount).
select
    payment_id,
    customer_id,
    paid_at,
    amount,
    status,
    updated_at
from public.payments
