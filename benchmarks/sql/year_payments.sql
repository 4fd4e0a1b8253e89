-- A payment each month until the customer leaves; the last ones before that fail often.
with dues as (
    select
        c,
        m,
        cast(:as_of as date) - 365 + interval '1 day' * (m * 30.4 + 30.0 * bench.share(c, 6)) as paid_at,
        bench.left_on(c, cast(:as_of as date), cast(:churn_share as double precision)) as left_on
    from generate_series(cast(1 as bigint), cast(:customers as bigint)) as c
    cross join generate_series(0, 11) as m
)

insert into public.payments (payment_id, customer_id, paid_at, amount, status, updated_at)
select
    d.c * 100 + d.m as payment_id,
    'c' || lpad(cast(d.c as text), 9, '0') as customer_id,
    d.paid_at,
    (array[29, 79, 199])[1 + cast(d.c % 3 as integer)] as amount,
    case
        when bench.share(d.c * 100 + d.m, 7) < case when d.paid_at > d.left_on - 50 then 0.4 else 0.03 end then 'failed'
        else 'paid'
    end as status,
    d.paid_at as updated_at
from dues as d
where d.paid_at < d.left_on and d.paid_at < cast(:as_of as date)
order by d.paid_at
