-- support_tickets: one row per ticket. Optional: delete this file if you have none.
--
-- Change the table and the expressions to yours; keep the names after "as". Leave out an optional column that you
-- don't have.
--
-- ticket_id      text, integer or uuid; one row each
-- customer_id    as in customers.sql
-- opened_at      timestamp (with or without zone) or date
--
-- Optional:
-- closed_at      timestamp or date; null while it is open
-- severity       text or a number; high, urgent, critical, severe, blocker, emergency, major, p0, p1, sev0, sev1
--                and 1 count as severe
-- satisfaction   number, 1 (bad) to 5 (good); null where none was given
-- updated_at     when the row last changed; with it a night reads only what changed, and all once a week
select
    ticket_id,
    customer_id,
    opened_at,
    closed_at,
    severity,
    -- updated_at,
    satisfaction
from support_tickets
