-- payments of the benchmark's company.
select
    payment_id,
    customer_id,
    paid_at,
    amount,
    status,
    updated_at
from public.payments
