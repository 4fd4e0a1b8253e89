-- name: save_rates
-- writes: none
-- grain: problem
-- reads: scores.save_rates
-- params: as_of, run_id
-- window: none
-- severity: fail
-- A save rate is a number of at most 1, harmful exactly where that is the likelier; every segment's has its offer's.
select s.offer || ', ' || s.value || ': save rate ' || s.save_rate as problem
from scores.save_rates as s
where
    s.as_of_date = cast(:as_of as date)
    and s.run_id = :run_id
    and (
        s.save_rate = 'NaN'
        or s.save_rate > 1
        or s.probability_harmful not between 0 and 1
        or (s.save_rate < 0 and s.probability_harmful < 0.5)
        or (s.save_rate > 0 and s.probability_harmful > 0.5)
        or s.treatment < 0
        or s.holdout < 0
    )
union all
select s.offer || ', ' || s.value || ': no rate of the offer itself' as problem
from scores.save_rates as s
where
    s.as_of_date = cast(:as_of as date)
    and s.run_id = :run_id
    and s.dimension <> 'all'
    and not exists (
        select 1
        from scores.save_rates as w
        where
            w.as_of_date = cast(:as_of as date)
            and w.run_id = :run_id
            and w.offer = s.offer
            and w.dimension = 'all'
    )
