-- name: insights
-- writes: view bi.insights
-- grain: finding of the latest published night
-- reads: ops.published, scores.insights
-- params: none
-- window: none
-- comment: What the latest published night has to say on the five questions: which segments churn most, what behaviour leads to churn, who is valuable and at risk, whom to contact first, whether the campaign worked; and what changed within a week. A row with a p_value is a claim that chance does not explain, or says that what chance does not explain is too little to act on; one without is a plain figure, or says what cannot be told yet.
-- example: select priority, question, finding, recommendation from bi.insights order by priority
-- column.priority: 1 = read first; by money at stake, then by the strength of the finding.
-- column.question: Which question it answers.
-- column.finding: What was found, in words.
-- column.evidence: The numbers behind it, the view they are from, and the query that gives them again.
-- column.recommendation: What to do, with the view or command to go on with.
-- column.as_of_date: Business date of the night.
-- column.insight: Name of the kind of finding, for programs; it does not change with the wording.
-- column.subject: What it is about: a segment, a behaviour, a campaign, or all.
-- column.effect: How big it is: for a claim on churn the churn rate over that of the others, for a campaign the share of customers kept by it, for a change the change as bi.week_changes shows it; null where nothing is claimed, or where nobody else churned.
-- column.p_value: How often chance alone would show this much; of the claims of all nights together about one in twenty at most is to be chance (Benjamini-Hochberg at 5 %). Null where nothing is claimed.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- type.priority: integer
-- type.question: text
-- type.finding: text
-- type.evidence: jsonb
-- type.recommendation: text
-- type.as_of_date: date
-- type.insight: text
-- type.subject: text
-- type.effect: double precision
-- type.p_value: double precision
-- type.run_id: bigint
with latest_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

select
    i.priority,
    i.question,
    i.finding,
    i.evidence,
    i.recommendation,
    i.as_of_date,
    i.insight,
    i.subject,
    i.effect,
    i.p_value,
    i.run_id
from latest_nights as l
inner join scores.insights as i
    on l.as_of_date = i.as_of_date and l.run_id = i.run_id
where i.as_of_date = (select max(p.as_of_date) from ops.published as p)
order by i.priority asc
