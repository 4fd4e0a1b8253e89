-- name: subscriptions
-- writes: none
-- grain: subscription
-- reads: staging.subscriptions, staging.customer_keys
-- params: none
-- window: none
-- severity: fail
-- No subscription ends before it starts, has an mrr that is no number or is of a customer that nobody knows. That none has two
-- current versions, an index sees to.
select
    'subscription ' || s.subscription_id
    || case
        when k.customer_key is null then ': of a customer that nobody knows'
        when s.ended_at < s.started_at then ': ends before it starts'
        else ': an mrr that is no amount'
    end as problem
from staging.subscriptions as s
left join staging.customer_keys as k on s.customer_key = k.customer_key
where
    s.valid_to = timestamp '9999-12-31'
    and (
        k.customer_key is null
        or s.ended_at < s.started_at
        or s.mrr in ('NaN', 'Infinity', '-Infinity')
    )
