-- name: amounts
-- writes: none
-- grain: figure of a table
-- reads: ops.table_figures
-- params: as_of, run_id, volume_warn, volume_fail, null_share_warn
-- window: none
-- severity: warn
-- Money stays in its order of magnitude: MRR within quality.volume_warn of what it usually is; the mean payment, how often
-- somebody pays in 28 days and the values of customers not half or double (quality.volume_fail), beyond what the chance in as
-- few rows explains. An amount in cents, another currency or a lost decimal point does not. Nor are more payments than usual,
-- by a tenth (quality.null_share_warn), equal in customer, day and amount: such are written twice.
with judged_figures as (
    select
        j.table_name,
        j.figure,
        j.counted,
        j.meaning,
        j.limit_share
    from (
        values
        ('staging.subscriptions', 'mrr', 'open', 'mrr', cast(:volume_warn as double precision)),
        ('staging.payments', 'mean_amount', 'rows', 'mean payment', cast(:volume_fail as double precision)),
        (
            'staging.payments', 'per_customer', 'customers', 'payments a customer in 28 days',
            cast(:volume_fail as double precision)
        ),
        ('scores.customer_scores', 'clv', 'rows', 'clv', cast(:volume_fail as double precision)),
        ('scores.customer_scores', 'value_at_risk', 'rows', 'value_at_risk', cast(:volume_fail as double precision))
    ) as j (table_name, figure, counted, meaning, limit_share)
)

select
    t.table_name || ': ' || j.meaning || ' ' || round(cast(t.value as numeric), 2) || ', usually '
    || round(cast(t.usual as numeric), 2) as problem
from ops.table_figures as t
inner join judged_figures as j on t.table_name = j.table_name and t.figure = j.figure
inner join ops.table_figures as r
    on t.as_of_date = r.as_of_date and t.run_id = r.run_id and t.table_name = r.table_name and j.counted = r.figure
where
    t.as_of_date = cast(:as_of as date)
    and t.run_id = :run_id
    and t.usual > 0
    and abs(t.value - t.usual) > 4 * t.usual / sqrt(greatest(r.value, 1))
    and (
        t.value <= t.usual * (1 - j.limit_share)
        or t.value >= t.usual / nullif(1 - j.limit_share, 0)
    )
union all
select
    t.table_name || ': ' || round(cast(100 * t.value as numeric), 1)
    || ' % equal to another in customer, day and amount, usually ' || round(cast(100 * t.usual as numeric), 1)
    || ' %' as problem
from ops.table_figures as t
inner join ops.table_figures as r
    on t.as_of_date = r.as_of_date and t.run_id = r.run_id and t.table_name = r.table_name and r.figure = 'rows'
where
    t.as_of_date = cast(:as_of as date)
    and t.run_id = :run_id
    and t.table_name = 'staging.payments'
    and t.figure = 'repeated_share'
    and t.value > t.usual + cast(:null_share_warn as double precision)
    and t.value - t.usual > 4 * sqrt(greatest(t.usual * (1 - t.usual), 1 / r.value) / r.value)
