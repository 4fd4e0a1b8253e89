-- customers: one row per customer. Required.
--
-- Change the table and the expressions to yours; keep the names after "as". The SELECT needs no date filter:
-- extraction adds its own. `churn doctor` tells you whether Postgres understands it.
--
-- customer_id    text, integer or uuid; at most 200 characters, one row each
-- signed_up_at   timestamp (with or without zone) or date
--
-- Optional:
-- contactable    boolean; false keeps a customer off every list (rows with null are treated as not said)
-- updated_at     when the row last changed; with it a night reads only what changed, and all once a week
--
-- Any further column is an attribute, such as country or employees: text and booleans become categories, numbers stay
-- numbers. A date can't be an attribute; turn it into a number or a category. Names: lower-case letters, digits and
-- underscores. Map only what may be used to score customers: attributes are copied to the warehouse.
select
    customer_id,
    signed_up_at,
    -- country,
    -- employees,
    -- updated_at,
    contactable
from customers
