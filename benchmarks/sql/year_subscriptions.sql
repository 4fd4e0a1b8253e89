-- One subscription a customer; whoever left by as_of has its end.
with leavers as (
    select
        c,
        bench.left_on(c, cast(:as_of as date), cast(:churn_share as double precision)) as left_on
    from generate_series(cast(1 as bigint), cast(:customers as bigint)) as c
)

insert into public.subscriptions (
    subscription_id, customer_id, plan, mrr, started_at, ended_at, billing_months, discount_until, updated_at
)
select
    l.c as subscription_id,
    u.customer_id,
    (array['basic', 'pro', 'team'])[1 + cast(l.c % 3 as integer)] as plan,
    (array[29, 79, 199])[1 + cast(l.c % 3 as integer)] as mrr,
    u.signed_up_at as started_at,
    case when l.left_on < cast(:as_of as date) then l.left_on + interval '9 hours' end as ended_at,
    case when l.c % 5 = 0 then 12 else 1 end as billing_months,
    case when l.c % 7 = 0 then cast(u.signed_up_at as date) + 90 end as discount_until,
    case when l.left_on < cast(:as_of as date) then l.left_on + interval '9 hours' else u.signed_up_at end as updated_at
from leavers as l
inner join public.customers as u on u.customer_id = 'c' || lpad(cast(l.c as text), 9, '0')
