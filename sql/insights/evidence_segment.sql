-- name: evidence_segment
-- writes: none
-- grain: one row
-- reads: bi.group_outcomes, bi.segments, bi.customer_scores
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
    s.customers as customers_tonight,
    s.mrr,
    (
        select sum(c.value_at_risk)
        from bi.customer_scores as c
        where c.segment = g.value and c.as_of_date = cast(:as_of as date)
    ) as value_at_risk
from bi.group_outcomes as g
inner join bi.segments as s on g.value = s.segment and g.as_of_date = s.as_of_date and g.run_id = s.run_id
where
    g.dimension = 'segment'
    and g.value = :subject
    and g.as_of_date = cast(:as_of as date)
