-- name: segment_migration
-- writes: view bi.segment_migration
-- grain: month end × month end after it × segment before × segment after
-- reads: ops.published, scores.customer_scores, scores.segment_nights
-- params: none
-- window: none
-- comment: How customers move between segments from one month end to the next. Those of a from_date add up to the customers scored that night, and so do those of a to_date.
-- example: select from_segment, to_segment, customers from bi.segment_migration where to_date = (select max(m.to_date) from bi.segment_migration as m) and from_segment <> to_segment order by customers desc
-- column.from_date: Business date of the earlier night: the last published one of its month.
-- column.to_date: Business date of the last published night of the next month that has one; of the month that is not over, the latest night.
-- column.from_segment: Name of the customers' segment on from_date; (new) = not scored that night.
-- column.to_segment: Name of the customers' segment on to_date; (gone) = not scored that night.
-- column.customers: Customers who moved, or stayed where both names are the same.
-- column.run_id: Run that wrote the scores of to_date; see bi.job_runs.
-- column.from_run_id: Run that wrote the scores of from_date.
with month_ends as (
    select distinct on (date_trunc('month', p.as_of_date))
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by date_trunc('month', p.as_of_date) asc, p.as_of_date desc
),

month_pairs as (
    select
        e.as_of_date as from_date,
        e.run_id as from_run_id,
        lead(e.as_of_date) over (order by e.as_of_date asc) as to_date,
        lead(e.run_id) over (order by e.as_of_date asc) as to_run_id
    from month_ends as e
),

customers_from as (
    select
        m.from_date,
        m.to_date,
        s.customer_key,
        n.segment
    from month_pairs as m
    inner join scores.customer_scores as s
        on m.from_date = s.as_of_date and m.from_run_id = s.run_id
    inner join scores.segment_nights as n
        on s.as_of_date = n.as_of_date and s.run_id = n.run_id and s.segment_id = n.segment_id
    where m.to_date is not null
),

customers_to as (
    select
        m.from_date,
        m.to_date,
        s.customer_key,
        n.segment
    from month_pairs as m
    inner join scores.customer_scores as s
        on m.to_date = s.as_of_date and m.to_run_id = s.run_id
    inner join scores.segment_nights as n
        on s.as_of_date = n.as_of_date and s.run_id = n.run_id and s.segment_id = n.segment_id
),

customer_moves as (
    select
        coalesce(f.to_date, t.to_date) as to_date,
        coalesce(f.segment, '(new)') as from_segment,
        coalesce(t.segment, '(gone)') as to_segment
    from customers_from as f
    full outer join customers_to as t on f.to_date = t.to_date and f.customer_key = t.customer_key
),

move_counts as (
    select
        c.to_date,
        c.from_segment,
        c.to_segment,
        count(*) as customers
    from customer_moves as c
    group by c.to_date, c.from_segment, c.to_segment
)

select
    m.from_date,
    m.to_date,
    c.from_segment,
    c.to_segment,
    c.customers,
    m.to_run_id as run_id,
    m.from_run_id
from month_pairs as m
inner join move_counts as c on m.to_date = c.to_date
