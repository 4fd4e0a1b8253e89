-- name: coverages
-- writes: none
-- grain: unbroken paid coverage of a customer
-- reads: paid_periods
-- params: as_of
-- window: [, as_of)
--
-- Parallel and adjoining paid periods are one coverage, as the churn label has it. An end on or after as_of is open.
with ordered as (
    select
        p.customer_id,
        p.started_on,
        p.ended_on,
        max(p.ended_on) over (
            partition by p.customer_id
            order by p.started_on asc, p.ended_on asc
            rows between unbounded preceding and 1 preceding
        ) as covered_to
    from paid_periods as p
    where p.started_on < cast(:as_of as date)
),

numbered as (
    select
        o.customer_id,
        o.started_on,
        o.ended_on,
        count(*) filter (where o.covered_to is null or o.started_on > o.covered_to) over (
            partition by o.customer_id
            order by o.started_on asc, o.ended_on asc
        ) as coverage
    from ordered as o
),

joined as (
    select
        n.customer_id,
        min(n.started_on) as started_on,
        max(n.ended_on) as ended_on
    from numbered as n
    group by n.customer_id, n.coverage
)

select
    j.customer_id,
    j.started_on,
    case when j.ended_on < cast(:as_of as date) then j.ended_on end as ended_on,
    lead(j.started_on) over (partition by j.customer_id order by j.started_on) as next_started_on
from joined as j
