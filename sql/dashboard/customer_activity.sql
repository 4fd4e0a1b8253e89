-- name: customer_activity
-- writes: none
-- grain: week in which there was anything of the customer, the last 53 of them
-- reads: bi.customer_activity
-- params: id
-- window: none
select
    w.week,
    w.is_whole_week,
    w.usage_events,
    w.usage_quantity,
    w.active_days,
    w.payments,
    w.amount_paid,
    w.amount_refunded,
    w.payments_failed,
    w.tickets_opened
from (
    select
        a.week,
        a.is_whole_week,
        a.usage_events,
        a.usage_quantity,
        a.active_days,
        a.payments,
        a.amount_paid,
        a.amount_refunded,
        a.payments_failed,
        a.tickets_opened
    from bi.customer_activity as a
    where a.customer_id = cast(:id as text)
    order by a.week desc
    limit 53
) as w
order by w.week
