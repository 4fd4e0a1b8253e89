-- name: at_risk_list
-- writes: none
-- grain: problem
-- reads: scores.at_risk_list, scores.customer_scores, staging.customer_keys, staging.customers
-- params: as_of, run_id
-- window: none
-- severity: fail
-- Everyone on the list is scored, contactable and there once; ranks run from 1 without a gap.
with list_rows as (
    select
        a.customer_key,
        a.priority_rank
    from scores.at_risk_list as a
    where a.as_of_date = cast(:as_of as date) and a.run_id = :run_id
)

select 'customer_key ' || l.customer_key || ': on the list but not scored' as problem
from list_rows as l
where
    not exists (
        select 1
        from scores.customer_scores as s
        where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id and s.customer_key = l.customer_key
    )
union all
select 'customer_key ' || l.customer_key || ': on the list but not to be contacted' as problem
from list_rows as l
inner join staging.customer_keys as k on l.customer_key = k.customer_key
inner join staging.customers as c
    on k.customer_id = c.customer_id and c.valid_to = timestamp '9999-12-31'
where not c.contactable
union all
select 'priority_rank ' || max(l.priority_rank) || ' on a list of ' || count(*) as problem
from list_rows as l
having max(l.priority_rank) <> count(*) or count(distinct l.priority_rank) <> count(*)
