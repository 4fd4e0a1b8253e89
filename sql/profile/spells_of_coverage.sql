-- name: spells_of_coverage
-- writes: none
-- grain: break in a customer's paid coverage: to its resumption, or to as_of where none has come yet
-- reads: coverages
-- params: as_of
-- window: [, as_of)
select
    coalesce(c.next_started_on, cast(:as_of as date)) - c.ended_on as days,
    c.next_started_on is not null as came_back
from coverages as c
where c.ended_on is not null
