-- name: campaign_balance
-- writes: none
-- grain: dimension × value of the running campaign
-- reads: bi.campaign_balance
-- params: none
-- window: none
select
    b.campaign,
    b.dimension,
    b.value,
    b.treatment,
    b.holdout,
    b.expected_holdout,
    b.p_value
from bi.campaign_balance as b
order by
    case b.dimension when 'all' then 0 when 'segment' then 1 else 2 end,
    b.value
