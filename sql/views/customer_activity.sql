-- name: customer_activity
-- writes: view bi.customer_activity
-- grain: customer × week in which there was anything
-- reads: ops.published, staging.customer_keys, staging.usage_daily, staging.payments, staging.support_tickets
-- params: none
-- window: up to the day before the latest published night
-- comment: What each customer did, paid and asked, week by week, up to the day before the latest published night. Weeks without anything have no row. Ask for one customer or a few: every customer is looked up on their own, so that all at once takes a while.
-- example: select week, usage_events, active_days, amount_paid, payments_failed, tickets_opened from bi.customer_activity where customer_id = (select a.customer_id from bi.at_risk_customers as a order by a.priority_rank limit 1) order by week desc limit 12
-- column.as_of_date: Business date of the latest published night; nothing dated on or after it is counted.
-- column.customer_id: The customer's id in the source.
-- column.week: Monday of the week.
-- column.is_whole_week: False for the week that was not over by as_of_date: fewer than seven days are in it.
-- column.usage_events: Events; 0 where none are known.
-- column.usage_quantity: Their quantity.
-- column.active_days: Days with an event, at most 7.
-- column.payments: Positive paid payments.
-- column.amount_paid: Amount of those.
-- column.amount_refunded: Amount refunded, as a positive.
-- column.payments_failed: Failed payments.
-- column.tickets_opened: Support tickets opened.
-- column.run_id: Run that published the night; see bi.job_runs.
-- type.as_of_date: date
-- type.customer_id: text
-- type.week: date
-- type.is_whole_week: boolean
-- type.usage_events: bigint
-- type.usage_quantity: numeric
-- type.active_days: bigint
-- type.payments: bigint
-- type.amount_paid: numeric
-- type.amount_refunded: numeric
-- type.payments_failed: bigint
-- type.tickets_opened: bigint
-- type.run_id: bigint
--
-- Customer by customer, so that one customer is an index look-up in each table; payments and tickets as they were known
-- on the night, as the features have them.
with latest_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

select
    l.as_of_date,
    k.customer_id,
    w.week,
    w.week + 7 <= l.as_of_date as is_whole_week,
    w.usage_events,
    w.usage_quantity,
    w.active_days,
    w.payments,
    w.amount_paid,
    w.amount_refunded,
    w.payments_failed,
    w.tickets_opened,
    l.run_id
from latest_nights as l
cross join staging.customer_keys as k
cross join
    lateral (
        with happenings as (
            select
                u.usage_date as happened_date,
                u.events,
                u.quantity,
                cast(null as text) as payment,
                cast(null as numeric) as amount,
                0 as tickets
            from staging.usage_daily as u
            where u.customer_key = k.customer_key
            union all
            select
                p.paid_date as happened_date,
                0 as events,
                0 as quantity,
                case
                    when p.status = 'paid' and p.amount > 0 then 'paid'
                    when p.status = 'refunded' or (p.status = 'paid' and p.amount < 0) then 'refunded'
                    when p.status = 'failed' then 'failed'
                end as payment,
                abs(p.amount) as amount,
                0 as tickets
            from staging.payments as p
            where
                p.customer_key = k.customer_key
                and p.valid_from < l.as_of_date
                and p.valid_to >= l.as_of_date
            union all
            select
                t.opened_date as happened_date,
                0 as events,
                0 as quantity,
                cast(null as text) as payment,
                cast(null as numeric) as amount,
                1 as tickets
            from staging.support_tickets as t
            where
                t.customer_key = k.customer_key
                and t.valid_from < l.as_of_date
                and t.valid_to >= l.as_of_date
        )

        select
            cast(date_trunc('week', cast(h.happened_date as timestamp)) as date) as week,
            cast(sum(h.events) as bigint) as usage_events,
            sum(h.quantity) as usage_quantity,
            count(distinct h.happened_date) filter (where h.events > 0) as active_days,
            count(*) filter (where h.payment = 'paid') as payments,
            coalesce(sum(h.amount) filter (where h.payment = 'paid'), 0) as amount_paid,
            coalesce(sum(h.amount) filter (where h.payment = 'refunded'), 0) as amount_refunded,
            count(*) filter (where h.payment = 'failed') as payments_failed,
            sum(h.tickets) as tickets_opened
        from happenings as h
        where h.happened_date < l.as_of_date
        group by cast(date_trunc('week', cast(h.happened_date as timestamp)) as date)
    ) as w
