-- name: compared_night
-- writes: none
-- grain: one row or none
-- reads: ops.published
-- params: as_of
-- window: published nights 5 to 9 days before as_of
--
-- The published night nearest to a week before; of two as near, the later.
select
    p.as_of_date,
    p.run_id
from ops.published as p
where p.as_of_date between cast(:as_of as date) - 9 and cast(:as_of as date) - 5
order by abs(p.as_of_date - (cast(:as_of as date) - 7)) asc, p.as_of_date desc
limit 1
