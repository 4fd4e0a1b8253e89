-- Subscriptions of the simulated company: one row per unbroken time on one plan at one price.
-- Trials and free plans have mrr 0.
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
