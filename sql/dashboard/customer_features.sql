-- name: customer_features
-- writes: none
-- grain: feature of the customer on the latest published night
-- reads: bi.customer_features, pg_catalog.pg_attribute, pg_catalog.pg_description
-- params: id
-- window: none
--
-- Every company has features of its own, so the columns of the view become rows; what each means is its comment.
select
    v.name as feature,
    v.value,
    d.description as meaning
from bi.customer_features as f
cross join jsonb_each_text(to_jsonb(f) - cast('{as_of_date,customer_id,run_id}' as text[])) as v (name, value)
left join pg_catalog.pg_attribute as c
    on c.attrelid = cast('bi.customer_features' as regclass) and v.name = c.attname
left join pg_catalog.pg_description as d
    on c.attrelid = d.objoid and c.attnum = d.objsubid and d.classoid = cast('pg_class' as regclass)
where f.customer_id = cast(:id as text)
order by v.name
