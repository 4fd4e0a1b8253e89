-- name: evidence_driver
-- writes: none
-- grain: one row
-- reads: bi.group_outcomes, bi.churn_drivers, bi.customer_scores
-- params: as_of, subject
-- window: none
select
    g.outcome_as_of_date,
    g.customers,
    g.churned,
    g.churn_rate,
    g.others,
    g.others_churned,
    g.others_churn_rate,
    d.importance,
    d.customers_affected,
    (
        select sum(c.value_at_risk)
        from bi.customer_scores as c
        where
            g.value in (c.driver_1, c.driver_2, c.driver_3)
            and c.as_of_date = cast(:as_of as date)
    ) as value_at_risk
from bi.group_outcomes as g
left join bi.churn_drivers as d
    on
        g.value = d.driver
        and d.segment = 'all'
        and g.as_of_date = d.as_of_date
        and g.run_id = d.run_id
where
    g.dimension = 'driver'
    and g.value = :subject
    and g.as_of_date = cast(:as_of as date)
