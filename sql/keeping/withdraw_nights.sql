-- name: withdraw_nights
-- writes: ops.published, ops.past_nights
-- grain: published night before the date
-- reads: ops.published
-- params: before, withdrawn_at
-- window: nights before the date, but never the latest
--
-- Readers who begin from now on see the night no more; its rows go a night later, when no reader is left who did. Which
-- run it showed is kept, for lists that training leaves out and for the averages of past months.
with nights_gone as (
    delete from ops.published
    where
        published.as_of_date < cast(:before as date)
        and published.as_of_date < (select max(p.as_of_date) from ops.published as p)
    returning
        published.as_of_date, published.run_id, published.list_run_id, published.published_at, published.in_sample
)

insert into ops.past_nights (as_of_date, run_id, list_run_id, published_at, in_sample, withdrawn_at)
select
    g.as_of_date,
    g.run_id,
    g.list_run_id,
    g.published_at,
    g.in_sample,
    cast(:withdrawn_at as timestamptz) as withdrawn_at
from nights_gone as g
on conflict (as_of_date) do update set
    run_id = excluded.run_id,
    list_run_id = excluded.list_run_id,
    published_at = excluded.published_at,
    in_sample = excluded.in_sample,
    withdrawn_at = excluded.withdrawn_at
