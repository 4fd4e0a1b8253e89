-- name: result_strata
-- writes: none
-- grain: campaign × arm × stratum (segment and risk band at entry)
-- reads: ops.campaign_members, ops.campaign_outcomes, ops.campaign_contacts
-- params: as_of, horizon_days
-- window: entries up to and with as_of; outcomes that had matured by as_of; contact_cost_measured: contacts up to
-- horizon_days after the entry, like the revenue it is set against
--
-- The counts and sums that the results are made of, by assignment. An arm is an offer; `all` is the whole campaign. The
-- holdout of an offer are those whom it would have been made to; in a campaign that was drawn elsewhere the holdout has
-- no offer and stands against each of them. A contact without a cost of its own costs what the offer was planned to.
with member_costs as (
    select
        c.campaign,
        c.customer_key,
        sum(coalesce(c.cost, m.offer_cost)) as contact_cost,
        sum(coalesce(c.cost, m.offer_cost)) filter (
            where c.sent_date < m.as_of_date + cast(:horizon_days as integer)
        ) as horizon_cost,
        bool_or(c.sent_date < m.as_of_date + cast(:horizon_days as integer)) as is_contacted_in_horizon,
        count(*) filter (where c.cost is not null) as priced_contacts,
        count(*) filter (where c.cost is null) as unpriced_contacts
    from ops.campaign_contacts as c
    inner join ops.campaign_members as m on c.campaign = m.campaign and c.customer_key = m.customer_key
    where c.sent_date <= cast(:as_of as date)
    group by c.campaign, c.customer_key
),

members as (
    select
        m.campaign,
        m.offer,
        coalesce(m.segment, '') as segment,
        coalesce(m.risk_band, '') as risk_band,
        m.campaign_group = 'treatment' as is_treatment,
        m.as_of_date,
        m.churn_probability,
        coalesce(m.value_at_risk / nullif(cast(m.churn_probability as numeric), 0), m.clv_if_retained) as stake,
        m.offer_cost,
        c.customer_key is not null as is_contacted,
        c.contact_cost,
        c.horizon_cost,
        coalesce(c.is_contacted_in_horizon, false) as is_contacted_in_horizon,
        coalesce(c.priced_contacts, 0) as priced_contacts,
        coalesce(c.unpriced_contacts, 0) as unpriced_contacts,
        o.customer_key is not null as is_due,
        o.churned is not null as is_measured,
        o.churned,
        o.revenue,
        o.is_active
    from ops.campaign_members as m
    left join member_costs as c on m.campaign = c.campaign and m.customer_key = c.customer_key
    left join ops.campaign_outcomes as o
        on
            m.campaign = o.campaign
            and m.customer_key = o.customer_key
            and o.matured_date <= cast(:as_of as date)
    where m.as_of_date <= cast(:as_of as date)
),

arms as (
    select distinct
        m.campaign,
        'all' as arm
    from members as m
    union all
    select distinct
        m.campaign,
        m.offer as arm
    from members as m
    where m.offer is not null
)

select
    a.campaign,
    a.arm,
    m.segment,
    m.risk_band,
    min(m.as_of_date) as first_as_of_date,
    max(m.as_of_date) as last_as_of_date,
    count(*) filter (where m.is_treatment) as assigned_treatment,
    count(*) filter (where not m.is_treatment) as assigned_holdout,
    count(*) filter (where m.is_treatment and m.is_contacted) as contacted_treatment,
    count(*) filter (where not m.is_treatment and m.is_contacted) as contacted_holdout,
    count(*) filter (where m.is_treatment and m.is_measured) as measured_treatment,
    count(*) filter (where not m.is_treatment and m.is_measured) as measured_holdout,
    count(*) filter (where m.is_due and not m.is_measured) as not_measured,
    count(*) filter (where m.is_treatment and m.churned) as churned_treatment,
    count(*) filter (where not m.is_treatment and m.churned) as churned_holdout,
    count(*) filter (where m.is_treatment and m.is_measured and m.is_active is not null) as seen_treatment,
    count(*) filter (where not m.is_treatment and m.is_measured and m.is_active is not null) as seen_holdout,
    count(*) filter (where m.is_treatment and m.is_measured and m.is_active) as active_treatment,
    count(*) filter (where not m.is_treatment and m.is_measured and m.is_active) as active_holdout,
    count(m.revenue) filter (where m.is_treatment and m.is_measured) as paying_treatment,
    count(m.revenue) filter (where not m.is_treatment and m.is_measured) as paying_holdout,
    coalesce(sum(m.revenue) filter (where m.is_treatment and m.is_measured), 0) as revenue_treatment,
    coalesce(sum(m.revenue) filter (where not m.is_treatment and m.is_measured), 0) as revenue_holdout,
    coalesce(sum(m.revenue * m.revenue) filter (where m.is_treatment and m.is_measured), 0)
        as revenue_squared_treatment,
    coalesce(sum(m.revenue * m.revenue) filter (where not m.is_treatment and m.is_measured), 0)
        as revenue_squared_holdout,
    coalesce(sum(m.stake) filter (where m.is_treatment and m.is_measured), 0) as stake,
    count(m.stake) filter (where m.is_treatment and m.is_measured) as staked,
    coalesce(sum(m.churn_probability), 0) as expected_churners,
    count(m.churn_probability) as expected_customers,
    coalesce(sum(m.contact_cost) filter (where m.is_treatment), 0) as contact_cost,
    sum(m.horizon_cost) filter (where m.is_treatment and m.is_measured) as contact_cost_measured,
    count(*) filter (where m.is_treatment and m.is_measured and m.is_contacted_in_horizon) as contacted_measured,
    sum(m.priced_contacts) filter (where m.is_treatment) as priced_contacts,
    sum(m.unpriced_contacts) filter (where m.is_treatment) as unpriced_contacts,
    coalesce(sum(m.offer_cost) filter (where m.is_treatment), 0) as planned_cost,
    sum(m.offer_cost) filter (where m.is_treatment and m.is_measured) as planned_cost_measured,
    count(m.offer_cost) filter (where m.is_treatment) as planned_customers
from arms as a
inner join members as m
    on
        a.campaign = m.campaign
        and (a.arm = 'all' or a.arm = m.offer or (m.offer is null and not m.is_treatment))
group by a.campaign, a.arm, m.segment, m.risk_band
order by a.campaign asc, a.arm asc, m.segment asc, m.risk_band asc
