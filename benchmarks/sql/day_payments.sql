-- A thirtieth of the active customers pay on the day.
insert into public.payments (payment_id, customer_id, paid_at, amount, status, updated_at)
select
    (cast(:day as date) - date '2000-01-01') * cast(10000000000 as bigint) + s.subscription_id as payment_id,
    s.customer_id,
    cast(:day as date) + interval '8 hours' as paid_at,
    s.mrr as amount,
    'paid' as status,
    cast(:day as date) + interval '8 hours' as updated_at
from public.subscriptions as s
where s.ended_at is null and s.subscription_id % 30 = (cast(:day as date) - date '2000-01-01') % 30
