-- name: clv_totals
-- writes: none
-- grain: problem
-- reads: scores.clv_totals, scores.customer_scores
-- params: as_of, run_id
-- window: none
-- severity: fail
-- Whatever customers are summed by, the totals are those of the customers, to the cent.
with scored_customers as (
    select
        count(*) as customers,
        coalesce(sum(s.clv), 0) as clv,
        coalesce(sum(s.clv_if_retained), 0) as clv_if_retained
    from scores.customer_scores as s
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
),

dimension_sums as (
    select
        d.dimension,
        coalesce(sum(t.customers), 0) as customers,
        coalesce(sum(t.clv), 0) as clv,
        coalesce(sum(t.clv_if_retained), 0) as clv_if_retained
    from (
        values ('all'), ('segment'), ('value_tier')
        union
        select w.dimension
        from scores.clv_totals as w
        where w.as_of_date = cast(:as_of as date) and w.run_id = :run_id
    ) as d (dimension)
    left join scores.clv_totals as t
        on d.dimension = t.dimension and t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    group by d.dimension
)

select d.dimension || ': ' || d.clv || ' in total, ' || s.clv || ' by customer' as problem
from dimension_sums as d
cross join scored_customers as s
where d.customers <> s.customers or d.clv <> s.clv or d.clv_if_retained <> s.clv_if_retained
