"""The segmentation in force, for whoever needs a customer's segment: the night, training, monitoring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import registry, segments
from churn.features.snapshot import Snapshot
from churn.features.store import read_batches
from churn.matrix import Batch, FeatureNames

SEGMENT_SAMPLE_ROWS = 50_000


def segmenter_in_force(
    reader: Connection,
    connection: Connection,
    snapshot: Snapshot,
    author: registry.Author,
    *,
    as_of: date,
    seed: int,
) -> tuple[segments.Segmenter, str]:
    """Return the segmentation in force as of a date and its version, fitting one where there is none.

    Parameters
    ----------
    reader, connection : sqlalchemy.Connection
        One streams the snapshot, the other reads and writes the registry.
    snapshot : Snapshot
        What a new segmentation is fitted on: where none is in force, or where this snapshot lacks features of
        the one that is.
    author : Author
        Who is said to have fitted it.
    as_of : date
        On or after `snapshot.as_of`.
    seed : int
        Of the fit.
    """
    stored = registry.in_force(connection, registry.SEGMENTS, as_of)
    if stored is not None:
        segmenter = segments.Segmenter.from_text(stored.artifact, stored.sha256)
        if set(segmenter.feature_names) <= set(snapshot.feature_set.numbers):
            return segmenter, stored.model_version
    segmenter = _fit(reader, snapshot, seed)
    model = registry.NewModel(
        kind=registry.SEGMENTS,
        artifact=segmenter.to_text(),
        trained_as_of=snapshot.as_of,
        details={"segments": [asdict(segment) for segment in segmenter.segments]},
    )
    reason = f"fitted on the snapshot of {snapshot.as_of}, by the first run that needed it"
    return segmenter, registry.adopt(connection, model, author, reason).model_version


def segment_names(
    segmenter: segments.Segmenter, names: FeatureNames, numbers: NDArray[np.float32]
) -> NDArray[np.str_] | None:
    """Return the name of each row's segment, shape (n,), or None where a feature of the segments is not there.

    Parameters
    ----------
    segmenter : Segmenter
    names : FeatureNames
    numbers : ndarray of float32, shape (n, len(names.numbers))
    """
    if not set(segmenter.feature_names) <= set(names.numbers):
        return None
    rows = Batch(np.arange(len(numbers)), numbers, np.empty((len(numbers), 0), np.int32))
    ids = next(_ids(segmenter, FeatureNames(names.numbers), rows))
    known = {segment.segment_id: segment.name for segment in segmenter.segments}
    return np.array([known[int(segment_id)] for segment_id in ids], dtype=np.str_)


def _ids(segmenter: segments.Segmenter, names: FeatureNames, rows: Batch) -> Iterator[NDArray[np.int32]]:
    return (ids for _, ids in segments.assign_batches(segmenter, names, [rows]))


def _fit(reader: Connection, snapshot: Snapshot, seed: int) -> segments.Segmenter:
    names = FeatureNames(snapshot.feature_set.numbers)
    step = max(1, -(-snapshot.customers // SEGMENT_SAMPLE_ROWS))
    parts, offset = [], 0
    for batch in read_batches(reader, snapshot, names):
        parts.append(batch.numbers[(-offset) % step :: step])
        offset += len(batch)
    return segments.fit_segments(names, np.concatenate(parts), seed=seed)
