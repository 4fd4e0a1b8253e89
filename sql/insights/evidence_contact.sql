-- name: evidence_contact
-- writes: none
-- grain: one row
-- reads: bi.at_risk_customers, bi.campaign_lists
-- params: as_of
-- window: none
with tonight as (
    select
        a.campaign,
        a.campaign_group,
        a.value_at_risk,
        a.recommended_action,
        a.expected_net_value
    from bi.at_risk_customers as a
    where a.as_of_date = cast(:as_of as date)
),

actions as (
    select
        t.recommended_action,
        count(*) as customers
    from tonight as t
    where t.campaign_group = 'treatment'
    group by t.recommended_action
)

select
    count(*) as listed,
    count(*) filter (where t.campaign_group = 'treatment') as treatment,
    count(*) filter (where t.campaign_group = 'holdout') as holdout,
    sum(t.value_at_risk) as value_at_risk,
    sum(t.expected_net_value) filter (where t.campaign_group = 'treatment') as expected_net_value,
    (
        select
            string_agg(
                a.recommended_action || ' (' || a.customers || ')', ', '
                order by a.customers desc, a.recommended_action asc
            )
        from actions as a
    ) as actions,
    min(t.campaign) as campaign,
    (
        select max(c.planned_cost)
        from bi.campaign_lists as c
        where c.as_of_date = cast(:as_of as date)
    ) as planned_cost,
    (
        select max(c.detectable_effect)
        from bi.campaign_lists as c
        where c.as_of_date = cast(:as_of as date)
    ) as detectable_effect,
    (
        select max(c.statement)
        from bi.campaign_lists as c
        where c.as_of_date = cast(:as_of as date)
    ) as statement
from tonight as t
