-- name: value_risk_plane
-- writes: none
-- grain: step of CLV × step of churn probability × risk band × value tier, of the latest published night
-- reads: bi.customer_scores
-- params: none
-- window: none
--
-- The only statement of the page that reads all customers, and it reads them once: what is told of bands and tiers is
-- added up from its rows. Steps of CLV grow with it (100, 150, 200, 300, 500, 700, 1,000), whatever the currency.
with clv_steps as (
    select array_agg(f.first * power(10.0, e.exponent) order by f.first * power(10.0, e.exponent)) as bounds
    from unnest(array[1, 1.5, 2, 3, 5, 7]) as f (first)
    cross join generate_series(0, 9) as e (exponent)
),

counted_places as (
    select
        width_bucket(s.clv, (select t.bounds from clv_steps as t)) as clv_step,
        width_bucket(s.churn_probability, array[0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75]) as risk_step,
        s.value_tier,
        s.risk_band,
        count(*) as customers,
        sum(s.churn_probability) as expected_to_leave,
        sum(s.clv) as clv,
        sum(s.value_at_risk) as value_at_risk
    from bi.customer_scores as s
    group by clv_step, risk_step, s.value_tier, s.risk_band
)

select
    n.value_tier,
    n.risk_band,
    t.bounds[n.clv_step] as clv_from,
    t.bounds[n.clv_step + 1] as clv_to,
    (array[0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75])[n.risk_step + 1] as risk_from,
    (array[0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1])[n.risk_step + 1] as risk_to,
    n.customers,
    n.expected_to_leave,
    n.clv,
    n.value_at_risk
from counted_places as n
cross join clv_steps as t
order by n.clv_step, n.risk_step, n.value_tier, n.risk_band
