-- name: spells_of_days
-- writes: none
-- grain: silence of a customer: from a day with activity to the next, or to as_of where none has come yet
-- reads: activity_days
-- params: as_of
-- window: [, as_of)
with followed as (
    select
        a.day,
        lead(a.day) over (partition by a.customer_id order by a.day) as next_day
    from activity_days as a
    where a.day < cast(:as_of as date)
)

select
    coalesce(f.next_day, cast(:as_of as date)) - f.day as days,
    f.next_day is not null as came_back
from followed as f
