"""Which segment each customer was in as a month began, for the business's figures by segment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import segments
from churn.columns import write_columns
from churn.features.snapshot import Snapshot, find_snapshot
from churn.features.store import read_batches
from churn.matrix import FeatureNames
from churn.partitions import ensure_month
from churn.schema import month_segments, published, snapshots
from churn.scoring.night import ScoredNight
from churn.segmentation import SegmentsInForce, stored_segments, why_not_usable
from churn.sqlfiles import read_sql


def keep_month_segments(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Fill `scores.month_segments` for the months that have none yet.

    A month's first day is looked at alone: the night published for it; else the snapshot kept of it, by the
    segmentation in force tonight; else nothing is known. The month that begins on the night itself has its turn on
    the night after, when its own night is published.

    Parameters
    ----------
    reader, connection : sqlalchemy.Connection
        One streams snapshots, the other writes.
    night : ScoredNight

    Returns
    -------
    int
        Rows written.
    """
    written = 0
    nights, kept = _missing_months(connection, night)
    for month in nights:
        ensure_month(connection, month_segments.name, month)
        written += connection.execute(read_sql("kpis/month_segments.sql").statement, {"month": month}).rowcount
    found = stored_segments(connection, night.as_of) if kept else None
    for month in kept:
        snapshot = find_snapshot(connection, month, night.settings.churn.definition)
        if found is not None and snapshot is not None and why_not_usable(found, snapshot) is None:
            ensure_month(connection, month_segments.name, month)
            written += _assign(reader, connection, night.run_id, found, snapshot)
    return written


def _missing_months(connection: Connection, night: ScoredNight) -> tuple[list[date], list[date]]:
    """Return the first days of months that have no segments yet: those with a published night, and with a snapshot."""

    def without_segments(day: sa.ColumnElement[date]) -> tuple[sa.ColumnElement[bool], ...]:
        known = sa.exists().where(month_segments.c.as_of_date == day)
        return sa.extract("day", day) == 1, day < night.as_of, ~known

    nights = sa.select(published.c.as_of_date).where(*without_segments(published.c.as_of_date))
    own = snapshots.c.is_current, snapshots.c.population == night.settings.churn.definition
    kept = sa.select(snapshots.c.as_of_date).where(*own, *without_segments(snapshots.c.as_of_date))
    shown = sorted(connection.scalars(nights).all())
    return shown, sorted(set(connection.scalars(kept).all()) - set(shown))


def withdraw_month_segments(connection: Connection, run_id: int) -> int:
    """Take back what a run that published nothing has said of months by its own segments; return the rows."""
    return connection.execute(sa.delete(month_segments).where(month_segments.c.run_id == run_id)).rowcount


def _assign(reader: Connection, connection: Connection, run_id: int, found: SegmentsInForce, snapshot: Snapshot) -> int:
    """Stream a snapshot's customers into the segments, under the names that these have in the segmentation."""
    segmenter = found.segmenter
    names = FeatureNames(segmenter.feature_names, (), ())
    known = {segment.segment_id: segment.name for segment in segmenter.segments}

    def columns() -> Iterator[dict[str, Any]]:
        for keys, ids in segments.assign_batches(segmenter, names, read_batches(reader, snapshot, names)):
            yield {
                "as_of_date": np.full(len(keys), np.datetime64(snapshot.as_of)),
                "customer_key": keys,
                "segment_id": ids,
                "segment": np.array([known[segment_id] for segment_id in ids.tolist()], dtype=np.object_),
                "run_id": np.full(len(keys), run_id),
            }

    return write_columns(connection, f"{month_segments.schema}.{month_segments.name}", columns())
