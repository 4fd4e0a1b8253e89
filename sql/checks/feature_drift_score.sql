-- name: feature_drift_score
-- writes: none
-- grain: problem
-- reads: ops.feature_drift, ops.published, scores.customer_scores
-- params: as_of, run_id, psi_fail
-- window: the published nights of the same model up to as_of
-- severity: fail
-- The probabilities of the night are spread quite differently from those of the training (monitoring.psi_fail), and
-- it is a jump: they are as far from those of the published night nearest to four weeks before the latest one (a feed
-- that stops moves them by a little every night, so that the night before would say nothing), and from those of the
-- latest night that was published at a raised limit, which an operator has accepted. A slow change, and a new normal
-- that was accepted, pass; without a published night of this model the training alone decides. PSI over the tenths of
-- the earlier night; the features that have moved most are named.
with far_nights as (
    select
        d.psi,
        d.model_version
    from ops.feature_drift as d
    where
        d.run_id = :run_id
        and d.feature = 'churn_probability'
        and d.status = 'fail'
),

earlier_nights as (
    select
        p.as_of_date,
        p.run_id,
        d.status <> 'fail' and d.psi >= cast(:psi_fail as double precision) as is_accepted
    from far_nights as f
    inner join ops.feature_drift as d on f.model_version = d.model_version
    inner join ops.published as p on d.as_of_date = p.as_of_date and d.run_id = p.run_id
    where
        d.feature = 'churn_probability'
        and p.as_of_date <= cast(:as_of as date)
),

accepted_nights as (
    select
        e.as_of_date,
        e.run_id
    from earlier_nights as e
    where e.is_accepted
    order by e.as_of_date desc
    limit 1
),

usual_nights as (
    select
        e.as_of_date,
        e.run_id
    from earlier_nights as e
    order by abs(e.as_of_date - (select max(l.as_of_date) - 28 from earlier_nights as l)), e.as_of_date
    limit 1
),

compared_nights as (
    select
        a.as_of_date,
        a.run_id
    from accepted_nights as a
    union distinct
    select
        u.as_of_date,
        u.run_id
    from usual_nights as u
),

tenths as (
    select
        c.as_of_date,
        c.run_id,
        percentile_disc(array[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
        within group (order by s.churn_probability) as edges
    from compared_nights as c
    inner join scores.customer_scores as s on c.as_of_date = s.as_of_date and c.run_id = s.run_id
    group by c.as_of_date, c.run_id
),

placed_scores as (
    select
        t.as_of_date,
        width_bucket(s.churn_probability, t.edges) as bin,
        1 as earlier,
        0 as tonight
    from tenths as t
    inner join scores.customer_scores as s on t.as_of_date = s.as_of_date and t.run_id = s.run_id
    union all
    select
        t.as_of_date,
        width_bucket(s.churn_probability, t.edges) as bin,
        0 as earlier,
        1 as tonight
    from tenths as t
    cross join scores.customer_scores as s
    where
        s.as_of_date = cast(:as_of as date)
        and s.run_id = :run_id
),

bins as (
    select
        b.as_of_date,
        sum(b.earlier) / sum(sum(b.earlier)) over w as was,
        sum(b.tonight) / sum(sum(b.tonight)) over w as now,
        greatest(0.0001, 0.5 / least(sum(sum(b.earlier)) over w, sum(sum(b.tonight)) over w)) as least_share
    from placed_scores as b
    group by b.as_of_date, b.bin
    window w as (partition by b.as_of_date)
),

jumps as (
    select
        b.as_of_date,
        sum(
            (greatest(b.now, b.least_share) - greatest(b.was, b.least_share))
            * ln(greatest(b.now, b.least_share) / greatest(b.was, b.least_share))
        ) as psi
    from bins as b
    group by b.as_of_date
),

nearest_nights as (
    select
        j.as_of_date,
        j.psi
    from jumps as j
    order by j.psi asc, j.as_of_date desc
    limit 1
),

moved_features as (
    select
        d.feature,
        d.psi,
        row_number() over (order by d.psi desc, d.feature asc) as place
    from ops.feature_drift as d
    where
        d.run_id = :run_id
        and d.feature <> 'churn_probability'
        and d.status <> 'ok'
)

select
    'the probabilities have moved away from the training''s, PSI '
    || round(cast(f.psi as numeric), 2)
    || coalesce(', and from those of ' || n.as_of_date || ', PSI ' || round(cast(n.psi as numeric), 2), '')
    || coalesce(
        ', and most of all the features '
        || (
            select string_agg(m.feature || ' (' || round(cast(m.psi as numeric), 2) || ')', ', ' order by m.place)
            from moved_features as m
            where m.place <= 5
        ),
        ''
    )
    || '; look at them and at their feed first: mend it and run the night again, which computes its features anew; '
    || 'where the change is real, raise monitoring.psi_fail for that night; `churn train` helps once it has matured'
        as problem
from far_nights as f
left join nearest_nights as n on true
where coalesce(n.psi >= cast(:psi_fail as double precision), true)
