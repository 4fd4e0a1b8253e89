-- name: segment_events
-- writes: view bi.segment_events
-- grain: segment × what happened to it when the segments were fitted anew
-- reads: ops.segment_events, ops.runs, ops.published
-- params: none
-- window: none
-- comment: What became of each segment whenever the segments were fitted anew: born, kept, renamed, split, merged or retired, with the reason and the customers behind it. Shown once a night has been published with those segments.
-- example: select as_of_date, event, segment, previous_segment, reason from bi.segment_events where event <> 'kept' order by as_of_date desc, segment
-- column.as_of_date: Business date that the segments were fitted as of.
-- column.event: born = new; kept = the same as before; renamed = the same customers, another meaning; split = parted from another segment; merged = took in another segment; retired = gone.
-- column.segment: Name of the segment; of a retired one its last name.
-- column.previous_segment: Its name before; null where it had none.
-- column.related_segments: Other segments that the event is about (those it was split from, merged with, or whose customers it took), with commas between them; null without any.
-- column.shared_customers: Customers of the fit who are in both: the segment before and after, or this one and the one that it was split from or went into; null where nothing was compared.
-- column.shared_share: Those as a share, 0 to 1: of all who were in either of the two (kept, renamed), of this segment otherwise.
-- column.reason: Why, in words.
-- column.segment_id: The number that the segment keeps through all its names; never given twice.
-- column.model_version: The segmentation that the event began with.
-- column.previous_version: The segmentation before it; null for the first.
-- column.run_id: Run that fitted it; see bi.job_runs.
-- type.as_of_date: date
-- type.event: text
-- type.segment: text
-- type.previous_segment: text
-- type.related_segments: text
-- type.shared_customers: bigint
-- type.shared_share: double precision
-- type.reason: text
-- type.segment_id: integer
-- type.model_version: text
-- type.previous_version: text
-- type.run_id: bigint
select
    e.as_of_date,
    e.event,
    e.segment,
    e.previous_segment,
    nullif(array_to_string(e.related_segments, ', '), '') as related_segments,
    e.shared_customers,
    e.shared_share,
    e.reason,
    e.segment_id,
    e.model_version,
    e.previous_version,
    e.run_id
from ops.segment_events as e
where
    exists (
        select 1
        from ops.runs as r
        where
            r.job in ('nightly', 'backfill')
            and (r.status = 'succeeded' or exists (select 1 from ops.published as p where p.run_id = r.run_id))
            and r.versions ->> 'segments' = e.model_version
    )
