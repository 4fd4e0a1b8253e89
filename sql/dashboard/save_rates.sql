-- name: save_rates
-- writes: none
-- grain: offer × (all or a segment)
-- reads: bi.save_rates
-- params: none
-- window: none
select
    s.offer,
    s.value,
    s.assumed,
    s.measured,
    s.save_rate,
    s.campaigns,
    s.treatment,
    s.holdout,
    s.probability_harmful
from bi.save_rates as s
order by s.offer, case when s.dimension = 'all' then 0 else 1 end, s.value
