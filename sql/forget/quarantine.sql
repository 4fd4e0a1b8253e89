-- name: quarantine
-- writes: ops.quarantine
-- grain: reason with a sample that is or may be of the customer
-- reads: ops.quarantine
-- params: customer_id, json_pattern
-- window: none
--
-- Samples of customers are their ids, of usage the customer, the day and the event type: those of the customer go. All
-- others are keys of rows that nobody can tell the owner of, as these never came to staging: all of them go. Counts stay.
with own_samples as (
    select
        q.run_id,
        q.entity,
        q.reason,
        coalesce(
            jsonb_agg(s.sample order by s.place asc) filter (
                where q.entity in ('customers', 'usage_events')
                and s.sample #>> '{}' <> cast(:customer_id as text)
                and not starts_with(s.sample #>> '{}', cast(:customer_id as text) || ' ')
                and not cast(s.sample as text) ~ cast(:json_pattern as text)
            ),
            jsonb '[]'
        ) as samples,
        q.samples as samples_before
    from ops.quarantine as q
    cross join lateral jsonb_array_elements(q.samples) with ordinality as s (sample, place)
    group by q.run_id, q.entity, q.reason, q.samples
)

update ops.quarantine
set samples = o.samples
from own_samples as o
where
    quarantine.run_id = o.run_id
    and quarantine.entity = o.entity
    and quarantine.reason = o.reason
    and o.samples <> o.samples_before
