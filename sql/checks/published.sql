-- name: published
-- writes: none
-- grain: published night
-- reads: ops.published, ops.runs, scores.segment_nights
-- params: as_of
-- window: the published nights of [as_of - 28, as_of)
-- severity: warn
-- Each night of the last four weeks that is shown is of a run that is in the ledger and for that night, and has rows.
select p.as_of_date || ': run ' || p.run_id || ' shows nothing, or is of another night' as problem
from ops.published as p
left join ops.runs as r on p.run_id = r.run_id and p.as_of_date = r.as_of_date
where
    p.as_of_date >= cast(:as_of as date) - 28
    and p.as_of_date < cast(:as_of as date)
    and (
        r.run_id is null
        or not exists (
            select 1
            from scores.segment_nights as n
            where n.as_of_date = p.as_of_date and n.run_id = p.run_id
        )
    )
