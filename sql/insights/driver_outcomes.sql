-- name: driver_outcomes
-- writes: scores.group_outcomes
-- grain: behaviour that was among the three main reasons of a customer on a night whose churn is known
-- reads: scores.customer_scores, churn_labels, campaign_weights
-- params: as_of, run_id, outcome_as_of, outcome_run_id
-- window: the label window of outcome_as_of
--
-- Reasons are kept for the list and the riskiest tenth alone, who leave more often whatever their reasons. So a
-- behaviour is held against those who had other reasons, never against customers without any. Customers whom a list was
-- to treat are left out: what they did says nothing about the behaviour.
insert into scores.group_outcomes (
    as_of_date, run_id, dimension, value, outcome_as_of_date, customers, churned, others, others_churned
)
with explained_customers as (
    select
        s.customer_key,
        l.churned,
        array[s.driver_1, s.driver_2, s.driver_3] as drivers
    from scores.customer_scores as s
    inner join churn_labels as l on s.customer_key = l.customer_key
    left join campaign_weights as w on s.customer_key = w.customer_key
    where
        s.as_of_date = cast(:outcome_as_of as date)
        and s.run_id = :outcome_run_id
        and coalesce(w.weight, 1) > 0
        and coalesce(s.driver_1, s.driver_2, s.driver_3) is not null
),

all_customers as (
    select
        count(*) as customers,
        count(*) filter (where s.churned) as churned
    from explained_customers as s
),

driver_counts as (
    select
        d.driver,
        count(distinct s.customer_key) as customers,
        count(distinct s.customer_key) filter (where s.churned) as churned
    from explained_customers as s
    cross join lateral unnest(s.drivers) as d (driver)
    where d.driver is not null
    group by d.driver
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    'driver' as dimension,
    d.driver as value,
    cast(:outcome_as_of as date) as outcome_as_of_date,
    d.customers,
    d.churned,
    a.customers - d.customers as others,
    a.churned - d.churned as others_churned
from driver_counts as d
cross join all_customers as a
