-- Customers of the simulated company: one row per customer; country, industry and employees are attributes.
select
    customer_id,
    signed_up_at,
    country,
    industry,
    employees,
    contactable,
    updated_at
from public.customers
