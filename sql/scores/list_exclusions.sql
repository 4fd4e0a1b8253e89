-- name: list_exclusions
-- writes: scores.list_exclusions
-- grain: reason for not being on the list × run
-- reads: scores.customer_scores, scores.customer_offers
-- params: as_of, run_id
-- window: none
--
-- Everybody scored is on the list or counted here once. Who has no row of offers has none that is expected to pay, or
-- nobody knows what is at stake with them (a night without a model).
insert into scores.list_exclusions (as_of_date, run_id, list_status, customers, value_at_risk, expected_net_value)
with customer_states as (
    select
        s.value_at_risk,
        o.expected_net_value,
        case
            when o.list_status is not null then o.list_status
            when s.value_at_risk is null then 'worth unknown'
            else 'no offer pays'
        end as list_status
    from scores.customer_scores as s
    left join scores.customer_offers as o
        on s.as_of_date = o.as_of_date and s.run_id = o.run_id and s.customer_key = o.customer_key
    where s.as_of_date = cast(:as_of as date) and s.run_id = :run_id
)

select
    cast(:as_of as date) as as_of_date,
    cast(:run_id as bigint) as run_id,
    c.list_status,
    count(*) as customers,
    sum(c.value_at_risk) as value_at_risk,
    sum(c.expected_net_value) as expected_net_value
from customer_states as c
where c.list_status <> 'listed'
group by c.list_status
