-- name: attributes
-- writes: none
-- grain: customer × attribute
-- reads: staging.customer_attributes
-- params: as_of, learned_before
-- window: in force at as_of
--
-- Long form: the value that each attribute had at as_of. The first version of a value reaches back to the beginning of
-- time, so it says nothing of a past before it was learned: it counts only where that was before learned_before.
select
    a.customer_key,
    a.name,
    a.text_value,
    a.number_value
from staging.customer_attributes as a
where
    a.valid_from < cast(:as_of as date)
    and a.valid_to >= cast(:as_of as date)
    and (
        a.valid_from > timestamp '0001-01-01 00:00:00'
        or a.learned_at < cast(:learned_before as date)
    )
