-- name: attributes_emptied
-- writes: load_customers (temporary)
-- grain: loaded customer with an attribute that names a forgotten one
-- reads: load_customers, forgotten_values
-- params: none
-- window: none
--
-- Such an attribute has no value.
update load_customers
set
    attributes = (
        select coalesce(jsonb_object_agg(a.key, a.value), jsonb '{}')
        from jsonb_each(load_customers.attributes) as a (key, value)
        where
            jsonb_typeof(a.value) <> 'string'
            or a.value #>> '{}' not in (select v.text_value from forgotten_values as v)
    )
where exists (
    select 1
    from jsonb_each(load_customers.attributes) as a (key, value)
    inner join forgotten_values as v on a.value #>> '{}' = v.text_value
    where jsonb_typeof(a.value) = 'string'
)
