-- subscriptions: one row per subscription. Required when churn.definition is "contractual".
--
-- Change the table and the expressions to yours; keep the names after "as". Edits in place are fine: a changed price
-- or end is kept as a new version. Leave out an optional column that you don't have.
--
-- subscription_id   text, integer or uuid; one row each
-- customer_id       as in customers.sql
-- mrr               monthly recurring revenue: a yearly price divided by 12; 0 for trials and free plans
-- started_at        timestamp or date
-- ended_at          timestamp or date on which it ends or ended, also in the future; null while it is open
--
-- Optional:
-- plan              name of the plan
-- billing_months    months between two bills: 1, 3, 12
-- discount_until    date or timestamp at which a discount ends
-- updated_at        when the row last changed; with it a night reads only what changed, and all once a week
-- currency          of the mrr, such as EUR; null counts as business.currency. A run takes one currency: a row in
--                   another one stops it (exit 12). Leave such rows out here, or convert them: mrr * rate as mrr
select
    subscription_id,
    customer_id,
    plan,
    mrr,
    started_at,
    ended_at,
    billing_months,
    -- updated_at,
    -- currency,
    discount_until
from subscriptions
