-- name: customer_attributes
-- writes: none
-- grain: customer × attribute
-- reads: staging.customer_attributes, staging.customer_keys
-- params: as_of
-- window: versions learned from as_of - 7 on
-- severity: fail
-- What was learned of attributes lately is of known customers, one value at a time, and either a text or a number.
with learned_attributes as (
    select
        a.customer_key,
        a.name,
        a.text_value,
        a.number_value,
        a.valid_to
    from staging.customer_attributes as a
    where a.learned_at >= cast(:as_of as date) - 7
)

select 'customer_key ' || a.customer_key || ': attributes of a customer that nobody knows' as problem
from learned_attributes as a
where not exists (select 1 from staging.customer_keys as k where k.customer_key = a.customer_key)
union all
select 'customer_key ' || a.customer_key || ', ' || a.name || ': not a text, nor a number' as problem
from learned_attributes as a
where num_nonnulls(a.text_value, a.number_value) > 1 or a.number_value in ('NaN', 'Infinity', '-Infinity')
union all
select 'customer_key ' || a.customer_key || ', ' || a.name || ': ' || count(*) || ' current values' as problem
from learned_attributes as a
where a.valid_to = timestamp '9999-12-31'
group by a.customer_key, a.name
having count(*) > 1
