-- name: list_limits
-- writes: none
-- grain: problem
-- reads: scores.at_risk_list
-- params: as_of, run_id, list_size, budget, minimum_value, capacities
-- window: none
-- severity: fail
-- A new list is no longer than asked for, costs no more than the budget even if nobody were held out, makes no offer to
-- more than its capacity, and none that is expected to earn too little, or to drive a customer away.
with list_rows as (
    select
        a.customer_key,
        a.offer,
        a.offer_cost,
        a.expected_net_value,
        a.save_rate
    from scores.at_risk_list as a
    where a.as_of_date = cast(:as_of as date) and a.run_id = :run_id
)

select count(*) || ' customers on a list of at most ' || cast(:list_size as integer) as problem
from list_rows
having count(*) > cast(:list_size as integer)
union all
select 'offers for ' || sum(l.offer_cost) || ' with a budget of ' || cast(:budget as numeric) as problem
from list_rows as l
having sum(l.offer_cost) > cast(:budget as numeric) + 0.005 * count(*)
union all
select l.offer || ': made to ' || count(*) || ', over its capacity' as problem
from list_rows as l
group by l.offer
having count(*) > cast(cast(:capacities as jsonb) ->> l.offer as integer)
union all
select 'customer_key ' || l.customer_key || ': ' || l.offer || ' is not expected to pay' as problem
from list_rows as l
where l.expected_net_value < cast(:minimum_value as numeric) - 0.01 or l.expected_net_value < 0 or l.save_rate < 0
