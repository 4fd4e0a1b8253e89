-- A few tickets are opened on the day.
insert into public.support_tickets (ticket_id, customer_id, opened_at, closed_at, severity, satisfaction, updated_at)
select
    (cast(:day as date) - date '2000-01-01') * cast(10000000000 as bigint) + s.subscription_id as ticket_id,
    s.customer_id,
    cast(:day as date) + interval '10 hours' as opened_at,
    null as closed_at,
    'normal' as severity,
    null as satisfaction,
    cast(:day as date) + interval '10 hours' as updated_at
from public.subscriptions as s
where s.ended_at is null and s.subscription_id % 730 = (cast(:day as date) - date '2000-01-01') % 730
