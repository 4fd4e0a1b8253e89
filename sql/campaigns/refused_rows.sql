-- name: refused_rows
-- writes: none
-- grain: reason
-- reads: checked_rows
-- params: none
-- window: none
--
-- Why rows can't be taken, with the first few of each; customer_id only of customers: in a wrong file the column may hold
-- anything.
with numbered_rows as (
    select
        c.reason,
        c.line,
        case when c.customer_key is not null then c.customer_id end as customer_id,
        row_number() over (
            partition by c.reason
            order by c.line asc
        ) as place
    from checked_rows as c
    where c.reason is not null
)

select
    n.reason,
    count(*) as refused,
    jsonb_agg(jsonb_strip_nulls(jsonb_build_object('line', n.line, 'customer_id', n.customer_id)) order by n.line asc)
    filter (where n.place <= 5) as samples
from numbered_rows as n
group by n.reason
order by refused desc, n.reason asc
