-- customers of the benchmark's company.
select
    customer_id,
    signed_up_at,
    country,
    contactable,
    updated_at
from public.customers
