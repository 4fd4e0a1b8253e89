-- name: segment_migration
-- writes: view bi.segment_migration
-- grain: month end × month end after it × segment before × segment after
-- reads: ops.published, scores.customer_scores, scores.segment_nights
-- params: none
-- window: none
-- comment: How customers move between segments from one month end to the next. Those of a from_date add up to the customers scored that night, and so do those of a to_date.
-- example: select to_date, from_segment, to_segment, customers from bi.segment_migration where from_segment_id is distinct from to_segment_id order by to_date desc, customers desc
-- column.from_date: Business date of the earlier night: the last published one of its month.
-- column.to_date: Business date of the last published night of the next month that has one; of the month that is not over, the latest night.
-- column.from_segment: Name of the customers' segment on from_date; (new) = not scored that night.
-- column.to_segment: Name of the customers' segment on to_date; (gone) = not scored that night.
-- column.customers: Customers who moved, or stayed where from_segment_id and to_segment_id are the same; a segment under a new name is the same segment.
-- column.run_id: Run that wrote the scores of to_date; see bi.job_runs.
-- column.from_run_id: Run that wrote the scores of from_date.
-- column.from_segment_id: The number that the segment of from_segment keeps through all its names; null for (new).
-- column.to_segment_id: That of to_segment; null for (gone).
-- type.from_date: date
-- type.to_date: date
-- type.from_segment: text
-- type.to_segment: text
-- type.customers: bigint
-- type.run_id: bigint
-- type.from_run_id: bigint
-- type.from_segment_id: integer
-- type.to_segment_id: integer
--
-- Each pair of months is counted on its own, by numbers, and the names are joined to the counts: a pair that a reader
-- leaves out is not read, and either night of a pair is read once, from its own month.
with month_ends as (
    select distinct on (date_trunc('month', cast(p.as_of_date as timestamp)))
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by date_trunc('month', cast(p.as_of_date as timestamp)) asc, p.as_of_date desc
),

month_pairs as (
    select
        e.as_of_date as from_date,
        e.run_id as from_run_id,
        lead(e.as_of_date) over (order by e.as_of_date asc) as to_date,
        lead(e.run_id) over (order by e.as_of_date asc) as to_run_id
    from month_ends as e
)

select
    m.from_date,
    m.to_date,
    coalesce(c.from_segment, '(new)') as from_segment,
    coalesce(c.to_segment, '(gone)') as to_segment,
    c.customers,
    m.to_run_id as run_id,
    m.from_run_id,
    c.from_segment_id,
    c.to_segment_id
from month_pairs as m
cross join
    lateral (
        with customers_from as (
            select
                s.customer_key,
                s.segment_id
            from scores.customer_scores as s
            where s.as_of_date = m.from_date and s.run_id = m.from_run_id
        ),

        customers_to as (
            select
                s.customer_key,
                s.segment_id
            from scores.customer_scores as s
            where s.as_of_date = m.to_date and s.run_id = m.to_run_id
        ),

        moves as (
            select
                f.segment_id as from_segment_id,
                t.segment_id as to_segment_id,
                count(*) as customers
            from customers_from as f
            full outer join customers_to as t on f.customer_key = t.customer_key
            group by f.segment_id, t.segment_id
        ),

        names_from as (
            select
                n.segment_id,
                n.segment
            from scores.segment_nights as n
            where n.as_of_date = m.from_date and n.run_id = m.from_run_id
        ),

        names_to as (
            select
                n.segment_id,
                n.segment
            from scores.segment_nights as n
            where n.as_of_date = m.to_date and n.run_id = m.to_run_id
        )

        select
            v.from_segment_id,
            v.to_segment_id,
            v.customers,
            b.segment as from_segment,
            a.segment as to_segment
        from moves as v
        left join names_from as b on v.from_segment_id = b.segment_id
        left join names_to as a on v.to_segment_id = a.segment_id
        where m.to_date is not null
    ) as c
