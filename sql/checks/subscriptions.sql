-- name: subscriptions
-- writes: none
-- grain: problem
-- reads: staging.subscriptions
-- params: none
-- window: none
-- severity: fail
-- No subscription ends before it starts, and none has two current versions.
select 'subscription ' || s.subscription_id || ': ends before it starts' as problem
from staging.subscriptions as s
where s.valid_to = timestamp '9999-12-31' and s.ended_at < s.started_at
union all
select 'subscription ' || s.subscription_id || ': ' || count(*) || ' current versions' as problem
from staging.subscriptions as s
where s.valid_to = timestamp '9999-12-31'
group by s.subscription_id
having count(*) > 1
