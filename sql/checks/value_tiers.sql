-- name: value_tiers
-- writes: none
-- grain: problem
-- reads: scores.customer_scores
-- params: as_of, run_id
-- window: none
-- severity: fail
-- Whoever has a CLV has a tier, no tier reaches above the next, and equal CLV is in one tier.
with tier_ranges as (
    select
        s.value_tier,
        case s.value_tier when 'high' then 1 when 'medium' then 2 when 'low' then 3 end as place,
        min(s.clv) as lowest,
        max(s.clv) as highest
    from scores.customer_scores as s
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id and s.clv is not null
    group by s.value_tier
)

select coalesce(t.value_tier, 'no value tier') || ': not a tier for a CLV of ' || t.highest as problem
from tier_ranges as t
where t.place is null
union all
select a.value_tier || ': a CLV of ' || a.lowest || ', and ' || b.highest || ' is ' || b.value_tier as problem
from tier_ranges as a
inner join tier_ranges as b on a.place < b.place
where a.lowest <= b.highest
union all
select 'customer_key ' || s.customer_key || ': a value tier without a CLV' as problem
from scores.customer_scores as s
where
    s.as_of_date = cast(:as_of as date)
    and s.run_id = :run_id
    and s.clv is null
    and s.value_tier is not null
