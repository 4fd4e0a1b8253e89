-- name: support_tickets
-- writes: none
-- grain: problem
-- reads: staging.support_tickets
-- params: none
-- window: none
-- severity: warn
-- No ticket closes before it opens.
select 'ticket ' || t.ticket_id || ': closes before it opens' as problem
from staging.support_tickets as t
where t.valid_to = timestamp '9999-12-31' and t.closed_at < t.opened_at
