-- A day's sessions at the year's rate, and some that arrive late, of three days before.
with sessions as (
    select
        s.subscription_id,
        s.customer_id,
        (cast(:day as date) - date '2000-01-01') * cast(10000000000 as bigint) + s.subscription_id as session_id
    from public.subscriptions as s
    where s.ended_at is null
),

days_sessions as (
    select
        s.customer_id,
        s.session_id,
        case when bench.share(s.session_id, 13) < 0.01 then cast(:day as date) - 3 else cast(:day as date) end
        + interval '23 hours' * bench.share(s.session_id, 8) as began_at
    from sessions as s
    where bench.share(s.session_id, 14) < 100.0 / 365 / cast(:session_events as bigint)
)

insert into public.usage_events (event_id, customer_id, occurred_at, event_type, quantity)
select
    d.session_id * 100 + e as event_id,
    d.customer_id,
    d.began_at + interval '1 minute' * e as occurred_at,
    bench.event_type(d.session_id * 100 + e) as event_type,
    round(bench.share(d.session_id * 100 + e, 9) * 20) as quantity
from days_sessions as d
cross join generate_series(cast(0 as bigint), cast(:session_events as bigint) - 1) as e
order by d.began_at
