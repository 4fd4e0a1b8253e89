-- name: hours
-- writes: none
-- grain: weekday × hour, of the business's clock
-- reads: entity_rows
-- params: as_of
-- window: [, as_of)
select
    cast(extract(isodow from r.happened_at) as integer) as weekday,
    cast(extract(hour from r.happened_at) as integer) as hour,
    count(*) as rows
from entity_rows as r
where r.happened_on < cast(:as_of as date)
group by extract(isodow from r.happened_at), extract(hour from r.happened_at)
order by weekday asc, hour asc
