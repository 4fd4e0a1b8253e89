-- name: draw_keys
-- writes: none
-- grain: customer
-- reads: staging.customer_keys
-- params: none
-- window: none
--
-- A number below 2^52 that belongs to the id of a customer: what a CLV interval is drawn with. The customer_key would
-- not do: another warehouse over the same source, or a run that was killed, counts keys differently.
select
    k.customer_key,
    cast(cast('x' || substr(md5(k.customer_id), 1, 13) as bit(52)) as bigint) as draw_key
from staging.customer_keys as k
order by k.customer_key asc
