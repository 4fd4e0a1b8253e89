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
from churn.segmentation import segmenter_in_force
from churn.sqlfiles import read_sql
from churn.warehouse import run_ddl
from churn.windows import matures_on


def score_segments(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Assign every customer of the night to a segment, fitting the segments first where there are none yet."""
    names = names_of(connection, night.snapshot)
    segmenter, night.segments_version = segmenter_in_force(
        reader, connection, night.snapshot, night.author, as_of=night.as_of, seed=night.settings.train.seed
    )
    rows = refill(
        connection,
        attempt_segments,
        (
            {"customer_key": keys, "segment_id": ids}
            for keys, ids in segments.assign_batches(segmenter, names, read_batches(reader, night.snapshot, names))
        ),
    )
    night.outcome_snapshot = _realise(reader, connection, night, segmenter)
    return rows


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
