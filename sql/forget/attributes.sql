-- name: attributes
-- writes: staging.customers, staging.customer_attributes
-- grain: version of another customer with an attribute that names the forgotten one
-- reads: staging.customers, staging.customer_attributes
-- params: needle, json_needle, pattern
-- window: none
--
-- Such an attribute has no value, in past versions too: the extractions to come leave it out in the same way, so that no
-- new version comes of it.
with versions as (
    update staging.customers
    set
        attributes = (
            select coalesce(jsonb_object_agg(a.key, a.value), jsonb '{}')
            from jsonb_each(customers.attributes) as a (key, value)
            where jsonb_typeof(a.value) <> 'string' or a.value #>> '{}' !~ cast(:pattern as text)
        )
    where
        strpos(cast(customers.attributes as text), cast(:json_needle as text)) > 0
        and exists (
            select 1
            from jsonb_each(customers.attributes) as a (key, value)
            where jsonb_typeof(a.value) = 'string' and a.value #>> '{}' ~ cast(:pattern as text)
        )
    returning customers.customer_key
),

attribute_values as (
    delete from staging.customer_attributes
    where
        strpos(customer_attributes.text_value, cast(:needle as text)) > 0
        and customer_attributes.text_value ~ cast(:pattern as text)
    returning customer_attributes.customer_key
)

select
    (select count(*) from versions) as versions,
    (select count(*) from attribute_values) as attribute_values
