-- name: insights
-- writes: none
-- grain: problem
-- reads: scores.insights
-- params: as_of, run_id
-- window: none
-- severity: fail
-- Each of the five business questions has an answer, priorities run from 1 without a gap, nothing is claimed that
-- chance explains, and every finding can be recomputed.
with night_insights as (
    select
        i.priority,
        i.insight,
        i.question,
        i.evidence,
        i.p_value
    from scores.insights as i
    where i.as_of_date = cast(:as_of as date) and i.run_id = :run_id
),

questions as (
    select q.question
    from (
        values
        ('Which segments churn most?'),
        ('What behaviour leads to churn?'),
        ('Who is valuable and at risk?'),
        ('Whom to contact first, with what?'),
        ('Did the campaign work?')
    ) as q (question)
)

select q.question || ' is not answered' as problem
from questions as q
where not exists (select 1 from night_insights as i where i.question = q.question)
union all
select 'priorities run to ' || max(i.priority) || ' for ' || count(*) || ' findings' as problem
from night_insights as i
having max(i.priority) <> count(*) or min(i.priority) <> 1
union all
select i.insight || ': a chance of ' || i.p_value || ' is no claim' as problem
from night_insights as i
where i.p_value > 0.05
union all
select i.insight || ': no evidence that can be recomputed' as problem
from night_insights as i
where
    i.evidence ->> 'view' not like 'bi.%'
    or i.evidence ->> 'query' is null
    or jsonb_typeof(i.evidence -> 'numbers') is distinct from 'object'
