-- One ticket for every other customer.
insert into public.support_tickets (ticket_id, customer_id, opened_at, closed_at, severity, satisfaction, updated_at)
select
    c as ticket_id,
    'c' || lpad(cast(c as text), 9, '0') as customer_id,
    cast(:as_of as date) - 365 + interval '355 days' * bench.share(c, 11) as opened_at,
    cast(:as_of as date) - 365 + interval '355 days' * bench.share(c, 11) + interval '2 days' as closed_at,
    (array['low', 'normal', 'high', 'urgent'])[1 + cast(c % 4 as integer)] as severity,
    1 + c % 5 as satisfaction,
    cast(:as_of as date) - 365 + interval '355 days' * bench.share(c, 11) + interval '2 days' as updated_at
from generate_series(cast(1 as bigint), cast(:customers as bigint)) as c
where bench.share(c, 12) < 0.5
