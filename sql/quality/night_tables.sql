-- name: night_tables
-- writes: ops.table_figures
-- grain: table
-- reads: ops.published, scores.segment_nights, scores.churn_drivers, scores.clv_totals, scores.customer_offers, scores.list_exclusions, scores.save_rates, scores.kpi_months, scores.cohort_months, scores.insights, scores.group_outcomes, scores.week_changes, scores.at_risk_list, scores.campaign_lists, scores.campaign_balance
-- params: as_of, run_id
-- window: none
--
-- Rows of whatever else the night shows; a night that keeps its list shows the one that was published.
insert into ops.table_figures (run_id, as_of_date, table_name, figure, value)
with list_runs as (
    select
        case
            when
                exists (
                    select 1
                    from scores.campaign_lists as c
                    where c.as_of_date = cast(:as_of as date) and c.run_id = :run_id
                )
                then cast(:run_id as bigint)
            else (select p.list_run_id from ops.published as p where p.as_of_date = cast(:as_of as date))
        end as run_id
),

table_totals as (
    select
        'scores.segment_nights' as table_name,
        count(*) as rows
    from scores.segment_nights as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.churn_drivers' as table_name,
        count(*) as rows
    from scores.churn_drivers as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.clv_totals' as table_name,
        count(*) as rows
    from scores.clv_totals as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.customer_offers' as table_name,
        count(*) as rows
    from scores.customer_offers as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.list_exclusions' as table_name,
        count(*) as rows
    from scores.list_exclusions as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.save_rates' as table_name,
        count(*) as rows
    from scores.save_rates as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.kpi_months' as table_name,
        count(*) as rows
    from scores.kpi_months as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.cohort_months' as table_name,
        count(*) as rows
    from scores.cohort_months as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.insights' as table_name,
        count(*) as rows
    from scores.insights as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.group_outcomes' as table_name,
        count(*) as rows
    from scores.group_outcomes as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.week_changes' as table_name,
        count(*) as rows
    from scores.week_changes as t
    where t.as_of_date = cast(:as_of as date) and t.run_id = :run_id
    union all
    select
        'scores.at_risk_list' as table_name,
        count(*) as rows
    from scores.at_risk_list as t
    inner join list_runs as l on t.run_id = l.run_id
    where t.as_of_date = cast(:as_of as date)
    union all
    select
        'scores.campaign_lists' as table_name,
        count(*) as rows
    from scores.campaign_lists as t
    inner join list_runs as l on t.run_id = l.run_id
    where t.as_of_date = cast(:as_of as date)
    union all
    select
        'scores.campaign_balance' as table_name,
        count(*) as rows
    from scores.campaign_balance as t
    inner join list_runs as l on t.run_id = l.run_id
    where t.as_of_date = cast(:as_of as date)
)

select
    cast(:run_id as bigint) as run_id,
    cast(:as_of as date) as as_of_date,
    t.table_name,
    'rows' as figure,
    t.rows as value
from table_totals as t
