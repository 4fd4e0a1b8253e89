-- name: tickets
-- writes: none
-- grain: customer
-- reads: staging.support_tickets
-- params: as_of
-- window: [as_of - 90, as_of); open tickets, the last rating and days since the last over all history
--
-- A closing on or after as_of has not happened yet. A rating is known once its ticket is closed, and belongs to the
-- window in which that was.
with known_tickets as (
    select
        t.ticket_id,
        t.customer_key,
        t.opened_date,
        t.is_severe,
        case when t.closed_date < cast(:as_of as date) then t.closed_date end as closed_date,
        case when t.closed_date < cast(:as_of as date) then t.closed_at end as closed_at,
        case when t.closed_date < cast(:as_of as date) then t.satisfaction end as satisfaction
    from staging.support_tickets as t
    where
        t.valid_from < cast(:as_of as date)
        and t.valid_to >= cast(:as_of as date)
        and t.opened_date < cast(:as_of as date)
),

ranked_tickets as (
    select
        t.customer_key,
        t.opened_date,
        t.closed_date,
        t.is_severe,
        t.satisfaction,
        row_number() over (
            partition by t.customer_key, t.satisfaction is null
            order by t.closed_at desc nulls last, t.ticket_id asc
        ) as latest_rank
    from known_tickets as t
),

customer_tickets as (
    select
        t.customer_key,
        count(*) filter (where t.opened_date >= cast(:as_of as date) - 28) as tickets_28d,
        count(*) filter (where t.opened_date >= cast(:as_of as date) - 90) as tickets_90d,
        count(*) filter (where t.closed_date is null) as tickets_open,
        count(*) filter (
            where t.is_severe and t.opened_date >= cast(:as_of as date) - 90
        ) as severe_tickets_90d,
        sum(t.satisfaction) filter (
            where t.closed_date >= cast(:as_of as date) - 90
        ) as satisfaction_total_90d,
        count(t.satisfaction) filter (where t.closed_date >= cast(:as_of as date) - 90) as ratings_90d,
        max(t.satisfaction) filter (where t.latest_rank = 1) as satisfaction_last,
        max(t.opened_date) as last_opened_date,
        sum(cast(t.closed_date - t.opened_date as integer)) filter (
            where t.closed_date >= cast(:as_of as date) - 90
        ) as close_days_total_90d,
        count(*) filter (where t.closed_date >= cast(:as_of as date) - 90) as closed_90d
    from ranked_tickets as t
    group by t.customer_key
)

select
    t.customer_key,
    cast(t.tickets_28d as integer) as tickets_28d,
    cast(t.tickets_90d as integer) as tickets_90d,
    cast(t.tickets_open as integer) as tickets_open,
    cast(t.severe_tickets_90d as integer) as severe_tickets_90d,
    cast(t.satisfaction_total_90d as double precision) / nullif(t.ratings_90d, 0) as satisfaction_avg_90d,
    cast(t.satisfaction_last as double precision) as satisfaction_last,
    cast(cast(:as_of as date) - t.last_opened_date as integer) as days_since_last_ticket,
    cast(t.close_days_total_90d as double precision) / nullif(t.closed_90d, 0) as close_days_avg_90d
from customer_tickets as t
