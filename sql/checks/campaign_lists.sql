-- name: campaign_lists
-- writes: none
-- grain: problem
-- reads: scores.campaign_lists, scores.campaign_balance, scores.at_risk_list
-- params: as_of, run_id
-- window: none
-- severity: fail
-- What is told of a new list agrees with its rows, and its balance with its members.
with list_counts as (
    select
        count(*) as listed,
        count(*) filter (where a.campaign_group = 'holdout') as holdout,
        coalesce(sum(a.offer_cost), 0) as cost
    from scores.at_risk_list as a
    where a.as_of_date = cast(:as_of as date) and a.run_id = :run_id
),

balance_sums as (
    select
        b.campaign,
        b.dimension,
        sum(b.treatment + b.holdout) as members
    from scores.campaign_balance as b
    where b.as_of_date = cast(:as_of as date) and b.run_id = :run_id
    group by b.campaign, b.dimension
)

select
    'campaign ' || c.campaign || ': ' || c.treatment || ' to be contacted and ' || c.holdout || ' held out, but '
    || l.listed || ' rows, ' || l.holdout || ' held out' as problem
from scores.campaign_lists as c
cross join list_counts as l
where
    c.as_of_date = cast(:as_of as date)
    and c.run_id = :run_id
    and (
        c.listed <> l.listed
        or c.holdout <> l.holdout
        or c.listed <> c.treatment + c.holdout
        or c.entering > c.members_to_date
        or c.expected_churn_rate not between 0 and 1
        or abs(coalesce(c.planned_cost, 0) - l.cost) > 0.01 * (1 + l.listed)
    )
union all
select 'rows on a list of no campaign: ' || l.listed as problem
from list_counts as l
where
    l.listed > 0
    and not exists (
        select 1
        from scores.campaign_lists as c
        where c.as_of_date = cast(:as_of as date) and c.run_id = :run_id
    )
union all
select
    'campaign ' || b.campaign || ': ' || b.members || ' members by ' || b.dimension || ', but '
    || coalesce(c.members_to_date, 0) as problem
from balance_sums as b
left join scores.campaign_lists as c
    on b.campaign = c.campaign and c.as_of_date = cast(:as_of as date) and c.run_id = :run_id
where b.members is distinct from c.members_to_date
