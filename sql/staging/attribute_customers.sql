-- name: attribute_customers
-- writes: attribute_customers (temporary)
-- grain: customer whose attributes may have changed
-- reads: incoming_customers, changes_customers
-- params: is_rebased
-- window: none
--
-- After a changed mapping all of them; otherwise those with a new version.
insert into attribute_customers (customer_key)
select i.customer_key
from incoming_customers as i
where
    cast(:is_rebased as boolean)
    or i.customer_key in (select c.customer_key from changes_customers as c)
