-- name: campaign_balance
-- writes: view bi.campaign_balance
-- grain: dimension × value of the campaign of the latest published night's list
-- reads: ops.published, scores.campaign_balance
-- params: none
-- window: none
-- comment: Whether the holdout of the running campaign is a fair draw: everybody in it up to tonight's list, by segment and risk band as they entered, against the share that should be held out.
-- example: select dimension, value, treatment, holdout, expected_holdout, p_value from bi.campaign_balance order by p_value nulls last
-- column.as_of_date: Business date of the latest published night.
-- column.campaign: Campaign that the night's list belongs to.
-- column.dimension: all, segment or risk_band.
-- column.value: The segment or risk band that customers had when they entered; all for everybody.
-- column.treatment: Customers in the campaign to contact.
-- column.holdout: Customers in the campaign held out.
-- column.expected_holdout: How many should be held out on average: the campaign's holdout share of them.
-- column.p_value: Chance of a split at least as uneven where everybody is held out with that share (exact binomial, two-sided).
-- column.run_id: Run that froze the list; see bi.job_runs.
-- type.as_of_date: date
-- type.campaign: text
-- type.dimension: text
-- type.value: text
-- type.treatment: bigint
-- type.holdout: bigint
-- type.expected_holdout: double precision
-- type.p_value: double precision
-- type.run_id: bigint
with latest_nights as (
    select
        p.as_of_date,
        p.list_run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

select
    b.as_of_date,
    b.campaign,
    b.dimension,
    b.value,
    b.treatment,
    b.holdout,
    b.expected_holdout,
    b.p_value,
    b.run_id
from latest_nights as l
inner join scores.campaign_balance as b
    on l.as_of_date = b.as_of_date and l.list_run_id = b.run_id
where b.as_of_date = (select max(p.as_of_date) from ops.published as p)
