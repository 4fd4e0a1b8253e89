-- name: attribute_values
-- writes: none
-- grain: attribute × value, and one row without a name that counts everybody
-- reads: staging.customers, staging.customer_attributes
-- params: left_keys, here_keys, most_values, most_numbers, bins
-- window: none
--
-- The values that attributes have now, among customers who have left and among those who are here; customers whom the
-- source no longer holds have none, so they are not asked. Numbers of more than most_numbers values go into bins of
-- equal size, equal numbers into one. Of text with more than most_values values the usual one stands and the rest are
-- 'another value'. Each customer is in one of two halves, by its key.
with people as (
    select
        l.customer_key,
        true as has_left
    from unnest(cast(:left_keys as bigint[])) as l (customer_key)
    union all
    select
        h.customer_key,
        false as has_left
    from unnest(cast(:here_keys as bigint[])) as h (customer_key)
),

known_people as (
    select
        p.customer_key,
        p.has_left,
        mod(p.customer_key, 2) = 0 as is_first_half
    from people as p
    inner join staging.customers as c on p.customer_key = c.customer_key
    where c.valid_to = timestamp '9999-12-31'
),

current_values as (
    select
        p.has_left,
        p.is_first_half,
        a.name,
        a.number_value,
        coalesce(a.text_value, cast(a.number_value as text)) as shown
    from known_people as p
    inner join staging.customer_attributes as a on p.customer_key = a.customer_key
    where a.valid_to = timestamp '9999-12-31'
),

attributes as (
    select
        v.name,
        count(distinct v.shown) as distinct_values,
        mode() within group (order by v.shown) as usual_value
    from current_values as v
    group by v.name
),

placed_values as (
    select
        v.name,
        v.has_left,
        v.is_first_half,
        case
            when v.number_value is not null and a.distinct_values > cast(:most_numbers as integer)
                then
                    'part '
                    || cast(
                        1 + cast(:bins as integer) * (
                            rank() over (partition by v.name order by v.number_value) - 1
                        ) / count(*) over (partition by v.name) as text
                    )
            when v.number_value is null and a.distinct_values > cast(:most_values as integer)
                then case when v.shown = a.usual_value then v.shown else 'another value' end
            else v.shown
        end as value_shown
    from current_values as v
    inner join attributes as a on v.name = a.name
)

select
    v.name,
    v.value_shown,
    count(*) filter (where v.has_left and v.is_first_half) as left_first,
    count(*) filter (where v.has_left and not v.is_first_half) as left_second,
    count(*) filter (where not v.has_left and v.is_first_half) as here_first,
    count(*) filter (where not v.has_left and not v.is_first_half) as here_second
from placed_values as v
group by v.name, v.value_shown
union all
select
    cast(null as text) as name,
    cast(null as text) as value_shown,
    count(*) filter (where p.has_left and p.is_first_half) as left_first,
    count(*) filter (where p.has_left and not p.is_first_half) as left_second,
    count(*) filter (where not p.has_left and p.is_first_half) as here_first,
    count(*) filter (where not p.has_left and not p.is_first_half) as here_second
from known_people as p
order by name asc nulls last, value_shown asc nulls last
