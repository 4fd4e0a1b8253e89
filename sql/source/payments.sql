-- payments: one row per payment, failed attempt or refund. Required when churn.definition is "inactivity";
-- otherwise delete this file if you have none.
--
-- Change the table and the expressions to yours; keep the names after "as".
--
-- payment_id    text, integer or uuid; one row each
-- customer_id   as in customers.sql
-- paid_at       timestamp (with or without zone) or date of the payment or the attempt
-- amount        in business.currency; negative for a refund
-- status        'paid', 'failed' or 'refunded'; translate yours with: case state when 'ok' then 'paid' … end as status
--
-- Optional:
-- updated_at    when the row last changed; with it a night reads only what changed, and all once a week
-- currency      of the amount, such as EUR; null counts as business.currency. A run takes one currency: a row in
--               another one stops it (exit 12). Leave such rows out here, or convert them: amount * rate as amount
select
    payment_id,
    customer_id,
    paid_at,
    amount,
    -- updated_at,
    -- currency,
    status
from payments
