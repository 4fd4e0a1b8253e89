-- Whoever leaves on the day.
update public.subscriptions as s
set ended_at = cast(:day as date) + interval '9 hours', updated_at = cast(:day as date) + interval '9 hours'
where
    s.ended_at is null
    and bench.left_on(s.subscription_id, cast(:as_of as date), cast(:churn_share as double precision))
    = cast(:day as date)
