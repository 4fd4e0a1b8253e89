-- name: due_nights
-- writes: none
-- grain: published night to compare with what became of it
-- reads: ops.published, ops.runs, ops.models, ops.realised_nights
-- params: matured_until
-- window: nights up to and with matured_until
--
-- Nights that a model scored which had not learned from what came after them, and that were not evaluated yet, or
-- published anew since.
select
    p.as_of_date,
    p.run_id,
    m.model_version
from ops.published as p
inner join ops.runs as r on p.run_id = r.run_id
inner join ops.models as m on r.versions ->> 'churn' = m.model_version
where
    not p.in_sample
    and p.as_of_date <= cast(:matured_until as date)
    and not exists (
        select 1
        from ops.realised_nights as e
        where e.as_of_date = p.as_of_date and e.run_id = p.run_id
    )
order by p.as_of_date
