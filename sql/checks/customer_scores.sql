-- name: customer_scores
-- writes: none
-- grain: problem
-- reads: scores.customer_scores, scores.feature_snapshots
-- params: as_of, run_id, snapshot_id
-- window: none
-- severity: fail
-- Every customer of the snapshot is scored once, with values that can be; reasons are told in order.
select 'customer_key ' || s.customer_key || ': a value out of its range' as problem
from scores.customer_scores as s
where
    s.as_of_date = cast(:as_of as date)
    and s.run_id = :run_id
    and (
        s.churn_probability not between 0 and 1
        or s.risk_percentile not between 0 and 100
        or s.risk_score = 'NaN'
        or s.clv in ('NaN', 'Infinity')
        or s.clv < 0
        or s.clv_if_retained in ('NaN', 'Infinity')
        or s.mrr <= 0
        or s.clv_low in ('NaN', 'Infinity')
        or s.clv_high in ('NaN', 'Infinity')
        or s.clv_low > s.clv_high
        or s.p_alive not between 0 and 1
        or s.recency_quintile not between 1 and 5
        or s.frequency_quintile not between 1 and 5
        or s.monetary_quintile not between 1 and 5
        or s.lifecycle_stage is null
        or s.lifecycle_stage not in ('new', 'growing', 'mature', 'declining', 'dormant', 'won_back')
    )
union all
select 'customer_key ' || s.customer_key || ': a reason empty, said twice or out of order' as problem
from scores.customer_scores as s
where
    s.as_of_date = cast(:as_of as date)
    and s.run_id = :run_id
    and (
        (s.reason_1 is null and s.reason_2 is not null)
        or (s.reason_2 is null and s.reason_3 is not null)
        or '' in (s.reason_1, s.reason_2, s.reason_3)
        or s.reason_1 in (s.reason_2, s.reason_3)
        or s.reason_2 = s.reason_3
    )
union all
select 'customer_key ' || f.customer_key || ': not scored' as problem
from scores.feature_snapshots as f
where
    f.as_of_date = cast(:as_of as date)
    and f.snapshot_id = :snapshot_id
    and not exists (
        select 1
        from scores.customer_scores as s
        where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id and s.customer_key = f.customer_key
    )
