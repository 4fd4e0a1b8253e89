-- Events spread evenly over the year, so that hardly any two share a customer, a day and a type: the staging grain
-- saves nothing. Whoever leaves does less in the 45 days before, and nothing after.
with planned_events as (
    select
        c,
        c * 1000 + e as event_id,
        cast(:as_of as date) - 365 + interval '365 days' * bench.share(c * 1000 + e, 8) as occurred_at,
        bench.left_on(c, cast(:as_of as date), cast(:churn_share as double precision)) as left_on
    from generate_series(cast(1 as bigint), cast(:customers as bigint)) as c
    cross join generate_series(1, cast(:events as bigint)) as e
)

insert into public.usage_events (event_id, customer_id, occurred_at, event_type, quantity)
select
    p.event_id,
    'c' || lpad(cast(p.c as text), 9, '0') as customer_id,
    p.occurred_at,
    bench.event_type(p.event_id) as event_type,
    round(bench.share(p.event_id, 9) * 20) as quantity
from planned_events as p
where p.occurred_at < p.left_on and (p.occurred_at < p.left_on - 45 or bench.share(p.event_id, 10) < 0.35)
order by p.occurred_at
