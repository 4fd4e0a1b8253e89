-- name: threshold_tradeoff
-- writes: none
-- grain: threshold or length of a list that was tried on one model
-- reads: bi.model_performance, bi.threshold_tradeoff
-- params: version, evaluation, segment, contacted, threshold
-- window: none
--
-- The nearest row of each kind is marked: to what was asked for, or else to what is in use.
with chosen_models as (
    select p.model_version
    from bi.model_performance as p
    where
        p.evaluation = 'out_of_time'
        and (cast(:version as text) is null or p.model_version = cast(:version as text))
    order by case when p.model_status = 'champion' then 0 else 1 end, p.trained_as_of desc, p.model_version desc
    limit 1
),

tried_rows as (
    select
        t.kind,
        t.cutoff,
        t.contacted,
        t.precision,
        t.recall,
        t.false_alarms,
        t.expected_net_value,
        t.is_chosen or coalesce(t.kind = 'list_size' and t.cutoff = p.list_size, false) as is_in_use,
        case
            when t.kind = 'threshold' and cast(:threshold as double precision) is not null
                then abs(t.cutoff - cast(:threshold as double precision))
            when cast(:contacted as double precision) is not null
                then abs(t.contacted - cast(:contacted as double precision))
            when t.kind = 'threshold' then case when t.is_chosen then 0 else 1 end
            else abs(t.cutoff - p.list_size)
        end as distance
    from chosen_models as c
    inner join bi.threshold_tradeoff as t on c.model_version = t.model_version
    left join bi.model_performance as p
        on t.model_version = p.model_version and t.evaluation = p.evaluation
    where t.evaluation = cast(:evaluation as text) and t.segment = cast(:segment as text)
)

select
    t.kind,
    t.cutoff,
    t.contacted,
    t.precision,
    t.recall,
    t.false_alarms,
    t.expected_net_value,
    t.is_in_use,
    row_number() over (
        partition by t.kind
        order by t.distance asc nulls last, t.cutoff asc
    ) = 1 as is_nearest
from tried_rows as t
order by t.kind desc, t.contacted asc, t.cutoff asc
