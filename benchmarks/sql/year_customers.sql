-- Everyone signed up in the three years before the year that is told.
insert into public.customers (customer_id, signed_up_at, country, contactable, updated_at)
select
    'c' || lpad(cast(c as text), 9, '0') as customer_id,
    cast(:as_of as date) - 365 - interval '1095 days' * bench.share(c, 2) as signed_up_at,
    (array['DE', 'FR', 'GB', 'NL', 'US'])[1 + cast(floor(bench.share(c, 3) * 5) as integer)] as country,
    bench.share(c, 5) < 0.95 as contactable,
    cast(:as_of as date) - 365 - interval '1095 days' * bench.share(c, 2) as updated_at
from generate_series(cast(1 as bigint), cast(:customers as bigint)) as c
