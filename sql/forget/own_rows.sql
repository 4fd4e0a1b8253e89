-- name: own_rows
-- writes: none
-- grain: row of the customer that a text speaks of
-- reads: staging.subscriptions, staging.payments, staging.support_tickets, ops.check_results, ops.runs, ops.run_stages, ops.alerts
-- params: customer_key
-- window: none
--
-- Checks tell what they found by the keys of rows (`payment P-9: …`), and errors and alerts say it again.
with own_keys as (
    select
        s.subscription_id as row_key,
        'subscription ' || s.subscription_id as told
    from staging.subscriptions as s
    where s.customer_key = :customer_key
    union
    select
        p.payment_id as row_key,
        'payment ' || p.payment_id as told
    from staging.payments as p
    where p.customer_key = :customer_key
    union
    select
        t.ticket_id as row_key,
        'ticket ' || t.ticket_id as told
    from staging.support_tickets as t
    where t.customer_key = :customer_key
),

every_text as (
    select c.detail as said
    from ops.check_results as c
    union all
    select r.error as said
    from ops.runs as r
    union all
    select s.error as said
    from ops.run_stages as s
    union all
    select a.detail as said
    from ops.alerts as a
),

row_texts as (
    select e.said
    from every_text as e
    where e.said ~ '(subscription|payment|ticket) '
)

select distinct o.row_key
from own_keys as o
inner join row_texts as x on strpos(x.said, o.told) > 0
order by o.row_key asc
