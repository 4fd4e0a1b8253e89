"""The segments stage: assign everyone, count who left of each."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import labels, segments
from churn.columns import write_columns
from churn.features.snapshot import Snapshot, latest_snapshot
from churn.features.store import read_batches
from churn.schema import attempt_segments, segment_outcomes
from churn.scoring.night import ScoredNight, names_of, refill
from churn.segmentation import fit_anew, stored_segments, why_not_usable, why_outdated
from churn.sqlfiles import read_sql
from churn.warehouse import run_ddl
from churn.windows import matures_on


def score_segments(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Assign every customer of the night to a segment, fitting the segments first where they are missing or outdated.

    Whether their sizes have moved is known only once everybody is assigned, and so after a new fit everybody is
    assigned again.
    """
    found = stored_segments(connection, night.as_of)
    why = why_not_usable(found, night.snapshot)
    if found is not None and why is None:
        rows = _assign(reader, connection, night, found.segmenter)
        why = why_outdated(connection, found, night.as_of, _counts(connection, found.segmenter), night.settings)
    if found is None or why is not None:
        found = fit_anew(
            reader, connection, night.snapshot, night.author, before=found, why=why or "", settings=night.settings
        )
        rows = _assign(reader, connection, night, found.segmenter)
    night.segments_version = found.model_version
    night.notes.extend(found.notes)
    night.outcome_snapshot = _realise(reader, connection, night, found.segmenter)
    return rows


def _assign(reader: Connection, connection: Connection, night: ScoredNight, segmenter: segments.Segmenter) -> int:
    """Fill the attempt's table with every customer's segment."""
    names = names_of(connection, night.snapshot)
    assigned = segments.assign_batches(segmenter, names, read_batches(reader, night.snapshot, names))
    return refill(connection, attempt_segments, ({"customer_key": keys, "segment_id": ids} for keys, ids in assigned))


def _counts(connection: Connection, segmenter: segments.Segmenter) -> list[int]:
    """Return how many customers the attempt has put into each segment, in the segmentation's order."""
    table = attempt_segments.c
    counting = sa.select(table.segment_id, sa.func.count()).group_by(table.segment_id)
    found = {segment_id: count for segment_id, count in connection.execute(counting)}
    return [found.get(segment.segment_id, 0) for segment in segmenter.segments]


def _realise(
    reader: Connection, connection: Connection, night: ScoredNight, segmenter: segments.Segmenter
) -> tuple[int, date] | None:
    """Count who churned of each segment at the latest snapshot whose churn is known; once per snapshot."""
    wait = matures_on(night.as_of, night.settings.churn.horizon_days, night.settings.grace_days) - night.as_of
    snapshot = latest_snapshot(connection, until=night.as_of - wait, population=night.settings.churn.definition)
    if snapshot is None or not set(segmenter.feature_names) <= set(snapshot.feature_set.numbers):
        return None
    known = sa.select(segment_outcomes.c.segment_id).where(
        segment_outcomes.c.model_version == night.segments_version,
        segment_outcomes.c.snapshot_id == snapshot.snapshot_id,
    )
    if connection.execute(known).first() is None:
        _count_outcomes(reader, connection, night, segmenter, snapshot)
    return snapshot.snapshot_id, snapshot.as_of


def _count_outcomes(
    reader: Connection,
    connection: Connection,
    night: ScoredNight,
    segmenter: segments.Segmenter,
    snapshot: Snapshot,
) -> None:
    run_ddl(connection, "create temporary table segments_then (customer_key bigint, segment_id integer) on commit drop")
    names = names_of(connection, snapshot)
    assigned = segments.assign_batches(segmenter, names, read_batches(reader, snapshot, names))
    write_columns(connection, "segments_then", ({"customer_key": keys, "segment_id": ids} for keys, ids in assigned))
    labels.make_labels(connection, night.settings, snapshot.as_of, data_through=night.as_of)
    counting = read_sql("scores/segment_outcomes.sql")
    connection.execute(
        counting.statement, {"model_version": night.segments_version, "snapshot_id": snapshot.snapshot_id}
    )
