-- A day's events at the year's rate, and some that arrive late, of three days before.
with planned_events as (
    select
        s.subscription_id,
        s.customer_id,
        (cast(:day as date) - date '2000-01-01') * cast(10000000000 as bigint) + s.subscription_id as event_id
    from public.subscriptions as s
    where s.ended_at is null
)

insert into public.usage_events (event_id, customer_id, occurred_at, event_type, quantity)
select
    p.event_id,
    p.customer_id,
    case when bench.share(p.event_id, 13) < 0.01 then cast(:day as date) - 3 else cast(:day as date) end
    + interval '1 day' * bench.share(p.event_id, 8) as occurred_at,
    bench.event_type(p.event_id) as event_type,
    round(bench.share(p.event_id, 9) * 20) as quantity
from planned_events as p
where bench.share(p.event_id, 14) < 100.0 / 365
order by bench.share(p.event_id, 8)
