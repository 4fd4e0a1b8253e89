-- name: customer_offers
-- writes: none
-- grain: problem
-- reads: scores.customer_offers, scores.list_exclusions, scores.at_risk_list, scores.customer_scores
-- params: as_of, run_id, list_run_id
-- window: none
-- severity: fail
-- What is told of each customer agrees with the list that the night shows, and everybody scored is on it or counted once
-- among those left alone.
with offer_rows as (
    select
        o.customer_key,
        o.list_status
    from scores.customer_offers as o
    where o.as_of_date = cast(:as_of as date) and o.run_id = :run_id
),

listed_customers as (
    select a.customer_key
    from scores.at_risk_list as a
    inner join scores.customer_scores as s
        on a.as_of_date = s.as_of_date and a.customer_key = s.customer_key and s.run_id = :run_id
    where a.as_of_date = cast(:as_of as date) and a.run_id = :list_run_id
),

total_counts as (
    select
        (select count(*) from listed_customers) as listed,
        (
            select coalesce(sum(e.customers), 0)
            from scores.list_exclusions as e
            where e.as_of_date = cast(:as_of as date) and e.run_id = :run_id
        ) as left_alone,
        (
            select count(*)
            from scores.customer_scores as s
            where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
        ) as scored
)

select 'customer_key ' || coalesce(l.customer_key, o.customer_key) || ': listed or not?' as problem
from listed_customers as l
full join offer_rows as o on l.customer_key = o.customer_key
where (l.customer_key is not null) <> coalesce(o.list_status = 'listed', false)
union all
select 'customer_key ' || o.customer_key || ': status ' || o.list_status || ' is unknown' as problem
from offer_rows as o
where
    o.list_status not in (
        'listed', 'not contactable', 'open severe ticket', 'cooldown', 'other campaign', 'below minimum', 'over budget',
        'over capacity', 'list frozen'
    )
union all
select t.scored || ' scored, but ' || t.listed || ' listed and ' || t.left_alone || ' left alone' as problem
from total_counts as t
where t.listed + t.left_alone <> t.scored
