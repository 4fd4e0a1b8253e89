-- Events come in sessions of a few, a minute apart, spread evenly over the year. Whoever leaves has fewer sessions in the
-- 45 days before, and none after.
with planned_events as (
    select
        c,
        e,
        c * 1000 + e / cast(:session_events as bigint) as session_id,
        bench.left_on(c, cast(:as_of as date), cast(:churn_share as double precision)) as left_on
    from generate_series(cast(1 as bigint), cast(:customers as bigint)) as c
    cross join generate_series(cast(0 as bigint), cast(:events as bigint) - 1) as e
),

timed_events as (
    select
        p.c,
        p.c * 1000 + p.e as event_id,
        p.session_id,
        p.left_on,
        cast(:as_of as date) - 365 + interval '364 days' * bench.share(p.session_id, 8)
        + interval '1 minute' * (p.e % cast(:session_events as bigint)) as occurred_at
    from planned_events as p
)

insert into public.usage_events (event_id, customer_id, occurred_at, event_type, quantity)
select
    t.event_id,
    'c' || lpad(cast(t.c as text), 9, '0') as customer_id,
    t.occurred_at,
    bench.event_type(t.event_id) as event_type,
    round(bench.share(t.event_id, 9) * 20) as quantity
from timed_events as t
where t.occurred_at < t.left_on and (t.occurred_at < t.left_on - 45 or bench.share(t.session_id, 10) < 0.35)
order by t.occurred_at
