-- name: quarantine
-- writes: none
-- grain: reason
-- reads: quarantined_rows
-- params: entity
-- window: none
--
-- Rows put aside, by reason, with up to five different keys of such rows.
with row_keys as (
    select
        q.reason,
        q.row_key,
        sum(q.rows) as rows
    from quarantined_rows as q
    where q.entity = :entity
    group by q.reason, q.row_key
),

numbered_keys as (
    select
        k.reason,
        k.row_key,
        k.rows,
        row_number() over (partition by k.reason order by k.row_key asc) as place
    from row_keys as k
)

select
    n.reason,
    cast(sum(n.rows) as bigint) as rows,
    array_agg(n.row_key order by n.place asc) filter (where n.place <= 5) as samples
from numbered_keys as n
group by n.reason
order by n.reason asc
