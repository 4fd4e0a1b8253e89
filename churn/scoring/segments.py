"""The segments stage: fit where there are none, assign everyone, count who left of each."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import labels, registry, segments
from churn.columns import write_columns
from churn.features.snapshot import Snapshot, latest_snapshot
from churn.features.store import read_batches
from churn.matrix import FeatureNames
from churn.schema import attempt_segments, segment_outcomes
from churn.scoring.night import ScoredNight, names_of, refill
from churn.sqlfiles import read_sql
from churn.warehouse import run_ddl
from churn.windows import matures_on

SEGMENT_SAMPLE_ROWS = 50_000


def score_segments(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Assign every customer of the night to a segment, fitting the segments first where there are none yet."""
    names = names_of(connection, night.snapshot)
    stored = registry.in_force(connection, registry.SEGMENTS, night.as_of)
    segmenter = None if stored is None else segments.Segmenter.from_text(stored.artifact, stored.sha256)
    if stored is None or segmenter is None or not set(segmenter.feature_names) <= set(names.numbers):
        segmenter = _fit_segments(reader, night, names)
        stored = registry.adopt(
            connection,
            _new_segments(segmenter, night.as_of),
            run_id=night.run_id,
            created_at=night.started_at,
            reason="fitted by the first night that needed it",
        )
    night.segments_version = stored.model_version
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


def _fit_segments(reader: Connection, night: ScoredNight, names: FeatureNames) -> segments.Segmenter:
    step = max(1, -(-night.snapshot.customers // SEGMENT_SAMPLE_ROWS))
    parts, offset = [], 0
    for batch in read_batches(reader, night.snapshot, names):
        parts.append(batch.numbers[(-offset) % step :: step])
        offset += len(batch)
    return segments.fit_segments(names, np.concatenate(parts), seed=night.settings.train.seed)


def _new_segments(segmenter: segments.Segmenter, as_of: date) -> registry.NewModel:
    return registry.NewModel(
        kind=registry.SEGMENTS,
        artifact=segmenter.to_text(),
        trained_as_of=as_of,
        details={"segments": [asdict(segment) for segment in segmenter.segments]},
    )


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
