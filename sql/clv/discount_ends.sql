-- name: discount_ends
-- writes: none
-- grain: customer with a discount that has not ended by as_of
-- reads: staging.subscription_periods
-- params: as_of
-- window: the paid periods in force at as_of
--
-- Days until the discount ends, 0 where it ends on as_of: what the feature days_since_discount_end becomes from then on.
select
    p.customer_key,
    max(p.discount_until) - cast(:as_of as date) as days_to_discount_end
from staging.subscription_periods as p
where
    p.mrr > 0
    and p.started_date < cast(:as_of as date)
    and (p.ended_date is null or p.ended_date >= cast(:as_of as date))
    and p.discount_until >= cast(:as_of as date)
group by p.customer_key
order by p.customer_key asc
