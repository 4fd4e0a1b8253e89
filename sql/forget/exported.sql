-- name: exported
-- writes: none
-- grain: file or table that may hold the customer
-- reads: ops.exports, scores.customer_scores, scores.at_risk_list
-- params: customer_key
-- window: none
--
-- Exports of nights on which the customer was scored or listed, by whichever run. Of a night whose rows are gone nobody
-- can tell any more, so its exports are among them. The holdout is on no list that was written without it; segments name
-- nobody.
with scored_nights as (
    select distinct s.as_of_date
    from scores.customer_scores as s
    where s.customer_key = :customer_key
),

listed_nights as (
    select
        a.as_of_date,
        bool_or(a.campaign_group = 'treatment') as is_contacted
    from scores.at_risk_list as a
    where a.customer_key = :customer_key
    group by a.as_of_date
),

exported_rows as (
    select
        e.target,
        e.what,
        e.format,
        e.as_of_date,
        e.exported_at,
        case e.what
            when 'scores' then s.as_of_date is not null
            when 'at-risk' then l.as_of_date is not null and (l.is_contacted or e.with_holdout)
            else false
        end as is_in,
        e.what in ('scores', 'at-risk')
        and not exists (
            select 1
            from scores.customer_scores as g
            where e.what = 'scores' and e.as_of_date = g.as_of_date and e.run_id = g.run_id
        )
        and not exists (
            select 1
            from scores.at_risk_list as g
            where e.what = 'at-risk' and e.as_of_date = g.as_of_date and e.run_id = g.run_id
        ) as is_unknown
    from ops.exports as e
    left join scored_nights as s on e.as_of_date = s.as_of_date
    left join listed_nights as l on e.as_of_date = l.as_of_date
)

select
    r.target,
    r.what,
    r.format,
    r.as_of_date,
    max(r.exported_at) as exported_at
from exported_rows as r
where r.is_in or r.is_unknown
group by r.target, r.what, r.format, r.as_of_date
order by r.as_of_date asc, r.target asc
