-- subscriptions of the benchmark's company.
select
    subscription_id,
    customer_id,
    plan,
    mrr,
    started_at,
    ended_at,
    billing_months,
    discount_until,
    updated_at
from public.subscriptions
