-- name: findings
-- writes: none
-- grain: finding of the latest published night
-- reads: bi.insights
-- params: none
-- window: none
select
    i.priority,
    i.question,
    i.finding,
    i.recommendation,
    i.evidence
from bi.insights as i
order by i.priority
