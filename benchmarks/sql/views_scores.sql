-- A published night of all customers: their scores, one in twenty with reasons, as a night leaves them.
insert into scores.customer_scores (
    as_of_date, run_id, customer_key, segment_id, risk_score, churn_probability, risk_percentile, risk_band,
    mrr, clv, clv_if_retained, value_at_risk, reason_1, reason_2, reason_3, clv_low, clv_high, value_tier,
    lifecycle_stage, segment_since_date, plan, driver_1, driver_2, driver_3
)
select
    cast(:day as date) as as_of_date,
    :run_id as run_id,
    n as customer_key,
    1 + n % 6 as segment_id,
    (n * 7919 % 100003) / 100003.0 as risk_score,
    (n * 7919 % 100003) / 200006.0 as churn_probability,
    100.0 * (n * 7919 % 100003) / 100003 as risk_percentile,
    case when n % 10 = 0 then 'high' when n % 10 < 3 then 'medium' else 'low' end as risk_band,
    20 + n % 400 as mrr,
    500 + n % 9000 as clv,
    600 + n % 9000 as clv_if_retained,
    n % 900 as value_at_risk,
    case when n % 20 = 0 then 'Uses the product less: 3 active days in the last 28, typical are 12.' end as reason_1,
    case when n % 20 = 0 then 'A payment failed 4 days ago.' end as reason_2,
    case when n % 20 = 0 then 'A customer for 7 months only.' end as reason_3,
    300 + n % 5000 as clv_low,
    700 + n % 12000 as clv_high,
    case when n % 5 = 0 then 'high' when n % 5 < 3 then 'medium' else 'low' end as value_tier,
    'mature' as lifecycle_stage,
    cast(:day as date) - cast(n % 300 as integer) as segment_since_date,
    'plan ' || n % 4 as plan,
    case when n % 20 = 0 then 'usage' end as driver_1,
    case when n % 20 = 0 then 'payments' end as driver_2,
    case when n % 20 = 0 then 'tenure' end as driver_3
from generate_series(cast(1 as bigint), :customers) as n
